import { Stack, Table, Text, Title } from '@mantine/core';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { api, type Broadcast, type Report, type Schemas } from '../api/client';
import '../i18n/plan';
import { useKnown } from '../pages/form';
import { useClock, written } from '../time';
import { useAgentNames, useAreaNames } from './areas';
import { daypartName } from './dayparts';
import { Rows, Trouble } from './states';

type Spec = Schemas['Spec'];
type Line = { field: string; before: string; now: string };

/** What changed of a broadcast since it was last approved, in words. */
export function BroadcastChanges({ b }: { b: Broadcast }) {
  const { t } = useTranslation();
  const { data, error, refetch } = api.useQuery('get', '/broadcasts/{id}/approved', { params: { path: { id: b.id } } });
  const known = useKnown([...(b.items ?? []), ...(data?.spec?.items ?? [])].map((i) => i.report));
  const words = useSpecWords();
  const lines = useMemo(() => {
    if (!data?.spec) return [];
    const name = (id: string) => known.get(id)?.title ?? '…';
    const [before, now] = [words(data.spec, name), words(b as Spec, name)];
    return Object.keys(now).map((field) => ({ field, before: before[field] ?? '', now: now[field] ?? '' }));
  }, [data, b, known, words]);
  if (!data) return error ? <Trouble error={error} again={() => void refetch()} /> : <Rows n={2} />;
  return (
    <Stack gap={4}>
      <Title order={3}>{t('plan:changes.title')}</Title>
      {data.version === 0 ? <Text size="sm">{t('plan:changes.first')}</Text> : <Lines lines={lines} stamp={data.approved} />}
    </Stack>
  );
}

export function ReportChanges({ r }: { r: Report }) {
  const { t } = useTranslation();
  const clock = useClock();
  const area = useAreaNames();
  const fields = ['title', 'series', 'source', 'air_date', 'language', 'speaker', 'rights', 'law_fields', 'laws', 'valid_from', 'valid_until', 'area'] as const;
  const say = (m: Partial<Report>, f: (typeof fields)[number]): string => {
    if (f === 'area') return area(m.area ?? '');
    if (f === 'laws') return (m.laws ?? []).map((law) => Object.values(law).filter(Boolean).join(' ')).join('; ');
    if (f === 'law_fields') return (m.law_fields ?? []).join(', ');
    const text = m[f] ?? '';
    return text && f.startsWith('valid') ? clock.date(text) : text;
  };
  return (
    <Stack gap={4}>
      <Title order={3}>{t('plan:changes.title')}</Title>
      {r.before ? <Lines lines={fields.map((field) => ({ field, before: say(r.before as Partial<Report>, field), now: say(r, field) }))} /> : <Text size="sm">{t('plan:changes.first')}</Text>}
    </Stack>
  );
}

function Lines({ lines, stamp }: { lines: Line[]; stamp?: Schemas['Stamp'] }) {
  const { t } = useTranslation();
  const clock = useClock();
  const changed = lines.filter((l) => l.before !== l.now);
  return (
    <>
      {stamp && <Text size="sm" c="dimmed">{t('plan:changes.since', { name: stamp.by.name, at: clock.both(stamp.at) })}</Text>}
      {changed.length === 0 ? (
        <Text size="sm">{t('plan:changes.none')}</Text>
      ) : (
        <Table aria-label={t('plan:changes.title')}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('plan:changes.field')}</Table.Th>
              <Table.Th>{t('plan:changes.before')}</Table.Th>
              <Table.Th>{t('plan:changes.now')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {changed.map((l) => (
              <Table.Tr key={l.field}>
                <Table.Td>{t(`plan:field.${l.field as 'title'}`)}</Table.Td>
                <Table.Td><del>{l.before || t('plan:changes.gone')}</del></Table.Td>
                <Table.Td><ins style={{ textDecoration: 'none', fontWeight: 600 }}>{l.now || t('plan:changes.gone')}</ins></Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </>
  );
}

/** A broadcast's fields as people say them. */
export function useSpecWords() {
  const { t } = useTranslation();
  const area = useAreaNames();
  const agent = useAgentNames();
  return useMemo(() => {
    const when = (w: Spec['when']) => {
      const [day = '', time] = (w.at ?? w.date ?? '').split('T');
      const rule = w.rrule ? ` · ${rrule(w.rrule)}` : '';
      const off = w.exdates?.length ? ` · ${t('form.exdates')}: ${w.exdates.map(written).join(', ')}` : '';
      return `${time ? time.replace(/:00$/, '') : daypartName(t, w.daypart ?? '')}, ${written(day)}${rule}${off}${w.skip_holidays ? ` · ${t('plan:skipholidays')}` : ''}`;
    };
    const rrule = (rule: string) => {
      const parts = Object.fromEntries(rule.split(';').map((p) => p.split('=') as [string, string]));
      const { FREQ, BYDAY, UNTIL, ...others } = parts;
      if (Object.keys(others).length > 0 || (FREQ !== 'DAILY' && FREQ !== 'WEEKLY')) return rule;
      const until = UNTIL ? `, ${t('form.until').toLowerCase()} ${UNTIL.slice(6, 8)}/${UNTIL.slice(4, 6)}/${UNTIL.slice(0, 4)}` : '';
      return (FREQ === 'DAILY' ? t('form.daily') : (BYDAY ?? '').split(',').map((d) => t(`weekday.${d as 'MO'}`)).join(', ')) + until;
    };
    const where = (w: Spec['targets']) =>
      [
        (w.areas ?? []).map(area).join(', '), (w.agents ?? []).map(agent).join(', '), w.tags?.length ? `${t('plan:tags')}: ${w.tags.join(', ')}` : '',
        w.except?.length ? `${t('form.except')}: ${w.except.map((x) => (agent(x) === x ? area(x) : agent(x))).join(', ')}` : '', w.except_tags?.length ? `${t('plan:excepttags')}: ${w.except_tags.join(', ')}` : '',
      ]
        .filter(Boolean)
        .join(' · ');
    return (s: Spec, report: (id: string) => string): Record<string, string> => ({
      title: s.title, class: t(`class.${s.class as 'normal'}`), items: (s.items ?? []).map((i) => report(i.report)).join(' → '), when: when(s.when), targets: where(s.targets),
      lateness: s.lateness.startsWith('whole') ? `${t('plan:whole')} ${s.lateness.slice(6)}` : t(`form.late.${s.lateness as 'skip'}`), order: String(s.order),
    });
  }, [t, area, agent]);
}
