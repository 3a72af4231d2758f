import { Select, SimpleGrid } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client';
import { DayInput } from '../parts/inputs';
import { useLanguages } from '../parts/languages';
import type { Filter } from './library';

const laws = ['expired', 'ending', 'in_force'] as const;

/** What else narrows the library, beside words and state. */
export default function Filters({ filter, set }: { filter: Filter; set: (filter: Filter) => void }) {
  const { t } = useTranslation();
  const { data: choices } = api.useQuery('get', '/reports/choices');
  const languages = useLanguages();
  const one = (name: 'series' | 'source' | 'law_field' | 'language' | 'kind' | 'law', label: string, data: string[] | { value: string; label: string }[] = []) => (
    <Select label={label} data={data} value={filter[name] ?? null} onChange={(v) => set({ ...filter, [name]: v ?? undefined })} clearable searchable placeholder={t('common.all')} clearButtonProps={{ 'aria-label': t('common.remove', { what: label }) }} />
  );
  return (
    <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }} spacing="sm" role="group" aria-label={t('library.filters')}>
      {one('kind', t('library.kind'), [{ value: 'report', label: t('common.report') }, { value: 'programme', label: t('programme.kind') }])}
      {one('series', t('upload.series'), choices?.series)}
      {one('law_field', t('upload.law_fields'), choices?.law_fields)}
      {one('language', t('upload.language'), languages.data)}
      {one('source', t('upload.source'), choices?.sources)}
      {one('law', t('library.law'), laws.map((value) => ({ value, label: t(`library.laws.${value}`) })))}
      <DayInput label={t('library.from')} value={filter.from ?? ''} onChange={(from) => set({ ...filter, from: from || undefined })} clearable />
      <DayInput label={t('library.to')} value={filter.to ?? ''} onChange={(to) => set({ ...filter, to: to || undefined })} clearable />
    </SimpleGrid>
  );
}
