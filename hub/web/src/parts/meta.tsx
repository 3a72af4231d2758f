import { ActionIcon, Autocomplete, Button, Fieldset, Group, Popover, Select, SimpleGrid, Stack, TagsInput, TextInput } from '@mantine/core';
import { IconPlus, IconX } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, type Report, type Schemas } from '../api/client';
import { useMe } from '../api/session';
import { DayInput } from './inputs';
import { useLanguages } from './languages';
import { Trouble } from './states';

type Law = Schemas['Law'];

/** What people write of a report beside its title; days as 2026-11-24. */
export type Words = {
  series: string;
  source: string;
  air_date: string;
  language: string;
  speaker: string;
  rights: string;
  law_fields: string[];
  laws: Law[];
  valid_from: string;
  valid_until: string;
};

export const noWords: Words = { series: '', source: '', air_date: '', language: 'vi', speaker: '', rights: '', law_fields: [], laws: [], valid_from: '', valid_until: '' };

export const wordsOf = (r: Report, day: (at: string) => string): Words => ({
  series: r.series ?? '', source: r.source ?? '', air_date: r.air_date ?? '', language: r.language ?? '', speaker: r.speaker ?? '', rights: r.rights ?? '', law_fields: r.law_fields ?? [], laws: r.laws ?? [],
  valid_from: r.valid_from ? day(r.valid_from) : '', valid_until: r.valid_until ? day(r.valid_until) : '',
});

/** Words as an upload's fields: texts all. */
export function fieldsOf({ law_fields, laws, valid_from, valid_until, ...texts }: Words): Record<string, string> {
  const midnight = (day: string) => (day ? `${day}T00:00:00` : '');
  return {
    ...texts, valid_from: midnight(valid_from), valid_until: midnight(valid_until),
    law_fields: law_fields.length ? JSON.stringify(law_fields) : '', laws: laws.length ? JSON.stringify(laws) : '',
  };
}

export function MetaFields({ words, set }: { words: Words; set: (words: Words) => void }) {
  const { t } = useTranslation();
  const { data: choices } = api.useQuery('get', '/reports/choices');
  const languages = useLanguages();
  const me = useMe();
  const text = (name: 'series' | 'source' | 'speaker' | 'rights', known?: string[]) => (
    <Autocomplete label={t(`upload.${name}`)} value={words[name]} onChange={(v) => set({ ...words, [name]: v })} data={known ?? []} maxLength={500} limit={20} />
  );
  return (
    <Stack gap="sm">
      <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }} spacing="sm">
        {text('series', choices?.series)}
        {text('source', choices?.sources)}
        <DayInput label={t('upload.air_date')} value={words.air_date} onChange={(air_date) => set({ ...words, air_date })} clearable />
        <Group gap={4} align="flex-end" wrap="nowrap">
          <Select label={t('upload.language')} data={languages.data} value={words.language || null} onChange={(v) => set({ ...words, language: v ?? '' })} searchable flex={1} />
          {me.may.includes('manage') && !me.area && <AddLanguage added={(language) => set({ ...words, language })} />}
        </Group>
        {text('speaker', choices?.speakers)}
        {text('rights', choices?.rights)}
        <DayInput label={t('upload.valid_from')} value={words.valid_from} onChange={(valid_from) => set({ ...words, valid_from })} clearable />
        <DayInput label={t('upload.valid_until')} value={words.valid_until} onChange={(valid_until) => set({ ...words, valid_until })} clearable />
        <TagsInput label={t('upload.law_fields')} placeholder={words.law_fields.length ? undefined : t('upload.fieldhint')} data={choices?.law_fields ?? []} value={words.law_fields} onChange={(law_fields) => set({ ...words, law_fields })} maxTags={10} clearable clearButtonProps={{ 'aria-label': t('common.remove', { what: t('upload.law_fields') }) }} />
      </SimpleGrid>
      <Laws laws={words.laws} set={(laws) => set({ ...words, laws })} />
    </Stack>
  );
}

/** The list of languages is the hub's; its admins add to it. */
function AddLanguage({ added }: { added: (code: string) => void }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const [said, setSaid] = useState({ code: '', vi: '', en: '' });
  const queries = useQueryClient();
  const put = api.useMutation('put', '/languages/{code}', {
    onSuccess: async ({ code }) => {
      await queries.invalidateQueries({ queryKey: ['get', '/languages'] });
      added(code);
      setOpen(false);
    },
  });
  const field = (name: 'code' | 'vi' | 'en', placeholder: string) => <TextInput label={t(`language.${name}`)} placeholder={placeholder} value={said[name]} onChange={(e) => setSaid({ ...said, [name]: e.currentTarget.value })} maxLength={name === 'code' ? 44 : 100} />;
  return (
    <Popover opened={open} onChange={setOpen} trapFocus width={260} withinPortal>
      <Popover.Target>
        <ActionIcon variant="default" size={36} aria-label={t('language.add')} title={t('language.add')} onClick={() => setOpen(!open)}>
          <IconPlus size={16} />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown aria-label={t('language.add')}>
        <Stack gap="xs">
          <Trouble error={put.error} />
          {field('vi', 'Tiếng Sán Dìu')}
          {field('en', 'San Diu')}
          {field('code', 'hak-x-sandiu')}
          <Button loading={put.isPending} disabled={!said.code || !said.vi || !said.en} onClick={() => put.mutate({ params: { path: { code: said.code } }, body: { vi: said.vi, en: said.en } })}>
            {t('language.add')}
          </Button>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

function Laws({ laws, set }: { laws: Law[]; set: (laws: Law[]) => void }) {
  const { t } = useTranslation();
  const edit = (i: number, part: Partial<Law>) => set(laws.map((law, n) => (n === i ? { ...law, ...part } : law)));
  return (
    <Fieldset legend={t('law.cited')} p="sm">
      <Stack gap="sm">
        {laws.map((law, i) => (
          <Group key={i} gap="xs" align="flex-end" role="group" aria-label={t('law.nth', { n: i + 1 })}>
            <TextInput label={t('law.number')} placeholder="31/2024/QH15" value={law.number} onChange={(e) => edit(i, { number: e.currentTarget.value })} required={!law.title} withAsterisk={false} maxLength={500} flex="1 1 130px" />
            <TextInput label={t('law.title')} value={law.title ?? ''} onChange={(e) => edit(i, { title: e.currentTarget.value })} maxLength={500} flex="2 1 180px" />
            <DayInput label={t('law.from')} value={law.effective_from ?? ''} onChange={(effective_from) => edit(i, { effective_from })} clearable />
            <DayInput label={t('law.until')} value={law.valid_until ?? ''} onChange={(valid_until) => edit(i, { valid_until })} clearable />
            <ActionIcon variant="default" size="lg" aria-label={t('common.remove', { what: law.number || t('law.nth', { n: i + 1 }) })} onClick={() => set(laws.filter((_, n) => n !== i))}>
              <IconX size={16} />
            </ActionIcon>
          </Group>
        ))}
        <Button variant="default" size="xs" leftSection={<IconPlus size={14} />} onClick={() => set([...laws, { number: '' }])} disabled={laws.length >= 20} style={{ alignSelf: 'flex-start' }}>
          {t('law.add')}
        </Button>
      </Stack>
    </Fieldset>
  );
}
