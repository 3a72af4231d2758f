import { Box, Button, Card, Group, Select, SimpleGrid, Stack, Table, Text, Title, Tooltip } from '@mantine/core';
import { IconChartBar, IconFileSpreadsheet, IconFileTypeCsv, IconPrinter } from '@tabler/icons-react';
import { lazy, Suspense, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import { api, tableFile, type Schemas } from '../api/client';
import { useMe } from '../api/session';
import { put, useAdminWords, type AdminWords } from '../i18n/admin';
import { useLanguages } from '../parts/languages';
import { AreaSelect, useAreaNames } from '../parts/areas';
import { DayInput } from '../parts/inputs';
import { Page } from '../parts/page';
import { Empty, Rows, Trouble } from '../parts/states';
import { addDays, number, useClock } from '../time';
import { periods } from './periods';

const Bars = lazy(() => import('../parts/bars'));

type Sum = Schemas['SumView'];
type Count = Schemas['Count'];
export type Dim = 'month' | 'area' | 'series' | 'law_field' | 'language' | 'report' | 'class' | 'reason';
const dims: Dim[] = ['area', 'month', 'series', 'law_field', 'language', 'report', 'class', 'reason'];

export const heard = (c: Count) => c.played + c.cut;
export const minutes = (ms: number) => number(ms / 60_000, ms % 60_000 === 0 || ms > 600_000 ? 0 : 1);
export const share = (c: Count) => (c.planned === 0 ? 0 : Math.floor((100 * heard(c)) / c.planned));

/** What a row is called; a language by its name in people's words. */
export function useRowName() {
  const { t } = useTranslation();
  const w = useAdminWords().evidence;
  const languages = useLanguages();
  return (by: Dim, key: string, name: string): string => {
    if (key === '') return w.notgiven;
    if (by === 'month') return `${key.slice(5)}/${key.slice(0, 4)}`;
    if (by === 'language') return languages.name(key);
    if (by === 'class') return t(`class.${key as 'normal'}`, { defaultValue: name });
    if (by === 'reason') return t(`reason.${key as 'late'}`, { defaultValue: name });
    return name;
  };
}

export default function Evidence() {
  const w = useAdminWords().evidence;
  const me = useMe();
  const clock = useClock();
  const today = clock.today();
  const all = useMemo(() => periods(w, today), [w, today]);
  const [period, setPeriod] = useState(`year-${today.slice(0, 4)}`);
  const [from, setFrom] = useState(`${today.slice(0, 4)}-01-01`);
  const [to, setTo] = useState(`${today.slice(0, 4)}-12-31`);
  const [area, setArea] = useState(me.area);
  const [by, setBy] = useState<Dim>('area');
  const [and, setAnd] = useState('');
  const [level, setLevel] = useState<'below' | 'each'>('below');
  const span = { from: `${from}T00:00:00`, to: `${addDays(to || today, 1)}T00:00:00`, area: area || undefined };
  const query = { ...span, by, and: (and || undefined) as Dim | undefined, level };
  const enabled = from !== '' && to !== '' && from <= to;
  const table = api.useQuery('get', '/evidence', { params: { query } }, { enabled, placeholderData: (before) => before });
  const months = api.useQuery('get', '/evidence', { params: { query: { ...span, by: 'month' } } }, { enabled, placeholderData: (before) => before });
  const day = (set: (d: string) => void) => (d: string) => {
    set(d);
    setPeriod('custom');
  };
  const choose = (value: string | null) => {
    const p = all.find((x) => x.value === value);
    setPeriod(value ?? 'custom');
    if (p) {
      setFrom(p.from);
      setTo(p.to);
    }
  };
  return (
    <Page
      title={w.title}
      lead={w.lead}
      actions={
        <>
          <Button component="a" href={tableFile('/evidence/export', 'xlsx', query)} download variant="default" leftSection={<IconFileSpreadsheet size={18} />}>
            {w.xlsx}
          </Button>
          <Button component="a" href={tableFile('/evidence/export', 'csv', query)} download variant="default" leftSection={<IconFileTypeCsv size={18} />}>
            {w.csv}
          </Button>
          <Button component={Link} href={`/evidence/print?${new URLSearchParams({ from, to, area })}`} leftSection={<IconPrinter size={18} />}>
            {w.print}
          </Button>
        </>
      }
    >
      <Group gap="sm" align="flex-end">
        <Select label={w.period} w={{ base: '100%', xs: 290 }} value={period} onChange={choose} allowDeselect={false} data={[...all.map((p) => ({ value: p.value, label: p.label })), { value: 'custom', label: w.custom }]} />
        <DayInput label={useFrom()} value={from} max={to} onChange={day(setFrom)} required />
        <DayInput label={useTo()} value={to} min={from} onChange={day(setTo)} required />
        <AreaSelect value={area} onChange={setArea} />
      </Group>
      <Trouble error={table.error ?? months.error} again={() => void Promise.all([table.refetch(), months.refetch()])} />
      {table.data && <Totals c={table.data.total} w={w} />}
      {months.data && months.data.items.length > 0 && <Months rows={months.data.items} w={w} />}
      <Card padding={0}>
        <Group gap="sm" p="md" align="flex-end">
          <Select label={w.by} w={200} value={by} onChange={(v) => v && setBy(v as Dim)} allowDeselect={false} data={dims.filter((d) => d !== and).map((d) => ({ value: d, label: w.dims[d] }))} />
          <Select label={w.and} w={200} value={and} onChange={(v) => setAnd(v ?? '')} allowDeselect={false} data={[{ value: '', label: w.nothing }, ...dims.filter((d) => d !== by).map((d) => ({ value: d, label: w.dims[d] }))]} />
          {(by === 'area' || and === 'area') && <Select label={w.level} w={180} value={level} onChange={(v) => setLevel(v as 'each')} allowDeselect={false} data={[{ value: 'below', label: w.below }, { value: 'each', label: w.each }]} />}
          <Box ml="auto">
            <Group gap="xs">
              <Text size="sm" c="dimmed">{w.log}:</Text>
              <Button size="compact-sm" variant="subtle" component="a" href={tableFile('/plays/export', 'xlsx', span)} download>Excel</Button>
              <Button size="compact-sm" variant="subtle" component="a" href={tableFile('/plays/export', 'csv', span)} download>CSV</Button>
            </Group>
          </Box>
        </Group>
        {table.isPending ? (
          <Rows />
        ) : !table.data ? null : table.data.items.length === 0 ? (
          <Empty icon={<IconChartBar size={44} stroke={1.3} />} title={w.empty} hint={w.emptyhint} />
        ) : (
          <Sums rows={table.data.items} total={table.data.total} by={by} and={(and || undefined) as Dim | undefined} />
        )}
      </Card>
      {table.data && table.data.past.length > 0 && <Past past={table.data.past} w={w} />}
    </Page>
  );
}

const useFrom = () => useTranslation().t('common.from');
const useTo = () => useTranslation().t('common.to');

function Totals({ c, w }: { c: Count; w: AdminWords['evidence'] }) {
  const boxes: [string, string, string?][] = [
    [w.planned, number(c.planned)],
    [w.heard, number(heard(c)), put(w.share, { n: share(c) })],
    [w.missed, number(c.skipped + c.unknown), c.unknown > 0 ? `${w.unknown}: ${number(c.unknown)}` : undefined],
    [w.minutes, minutes(c.heard_ms)],
  ];
  return (
    <SimpleGrid cols={{ base: 2, md: 4 }} spacing="sm">
      {boxes.map(([name, value, more]) => (
        <Card key={name}>
          <Text size="sm" c="dimmed">{name}</Text>
          <Text fz={26} fw={600} lh={1.2}>{value}</Text>
          {more && <Text size="xs" c="dimmed">{more}</Text>}
        </Card>
      ))}
    </SimpleGrid>
  );
}

/** The months as bars, and as the table the bars are drawn from. */
function Months({ rows, w }: { rows: Sum[]; w: AdminWords['evidence'] }) {
  const name = useRowName();
  const bars = useMemo(() => rows.map((r) => ({ name: `${Number(r.key.slice(5))}/${r.key.slice(2, 4)}`, whole: r.planned, part: heard(r) })), [rows]);
  return (
    <Card>
      <Title order={2} size="h3" mb="xs">{w.chart}</Title>
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
        <Suspense fallback={<Rows n={4} />}>
          <Bars bars={bars} whole={w.planned} part={w.heard} label={w.chartalt} />
        </Suspense>
        <Table verticalSpacing={4} aria-label={w.chart}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{w.dims.month}</Table.Th>
              <Table.Th ta="right">{w.planned}</Table.Th>
              <Table.Th ta="right">{w.heard}</Table.Th>
              <Table.Th ta="right">{w.minutes}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((r) => (
              <Table.Tr key={r.key}>
                <Table.Td>{name('month', r.key, r.name)}</Table.Td>
                <Table.Td ta="right">{number(r.planned)}</Table.Td>
                <Table.Td ta="right">{number(heard(r))}</Table.Td>
                <Table.Td ta="right">{minutes(r.heard_ms)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </SimpleGrid>
    </Card>
  );
}

function Sums({ rows, total, by, and }: { rows: Sum[]; total: Count; by: Dim; and?: Dim }) {
  const w = useAdminWords().evidence;
  const name = useRowName();
  const counts = (c: Count) => (
    <>
      <Cell label={w.planned}>{number(c.planned)}</Cell>
      <Cell label={w.played}>{number(c.played)}</Cell>
      <Cell label={w.cut}>{number(c.cut)}</Cell>
      <Cell label={w.skipped}>{number(c.skipped)}</Cell>
      <Cell label={w.unknown}>{number(c.unknown)}</Cell>
      <Cell label={w.minutes}>{minutes(c.heard_ms)}</Cell>
    </>
  );
  return (
    <Box style={{ overflowX: 'auto' }} tabIndex={0} role="region" aria-label={w.title}>
      <Table className="stack" aria-label={w.title}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{w.dims[by]}</Table.Th>
            {and && <Table.Th>{w.dims[and]}</Table.Th>}
            {[w.planned, w.played, w.cut, w.skipped].map((h) => <Table.Th key={h} ta="right">{h}</Table.Th>)}
            <Table.Th ta="right"><Tooltip label={w.unknownhint}><span tabIndex={0}>{w.unknown}</span></Tooltip></Table.Th>
            <Table.Th ta="right">{w.minutes}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.slice(0, 500).map((r) => (
            <Table.Tr key={`${r.key} ${r.and_key ?? ''}`} data-sum={r.key}>
              <Table.Td>
                {name(by, r.key, r.name)}
                {by === 'area' && r.clusters !== undefined && <Text size="xs" c="dimmed">{number(r.clusters)} {w.clusters.toLowerCase()}</Text>}
                <Box h={4} mt={4} w={120} bg="var(--mantine-color-default-border)" aria-hidden><Box h={4} w={`${share(r)}%`} bg="var(--mantine-color-loa-6)" /></Box>
              </Table.Td>
              {and && <Table.Td>{name(and, r.and_key ?? '', r.and_name ?? '')}</Table.Td>}
              {counts(r)}
            </Table.Tr>
          ))}
        </Table.Tbody>
        <Table.Tfoot>
          <Table.Tr>
            <Table.Th>{w.total}</Table.Th>
            {and && <Table.Th />}
            {counts(total)}
          </Table.Tr>
        </Table.Tfoot>
      </Table>
    </Box>
  );
}

function Cell({ label, children }: { label: string; children: string }) {
  return (
    <Table.Td ta="right">
      <Text span size="xs" c="dimmed" hiddenFrom="sm">{label} </Text>
      {children}
    </Table.Td>
  );
}

function Past({ past, w }: { past: Schemas['PastArea'][]; w: AdminWords['evidence'] }) {
  const area = useAreaNames();
  const clock = useClock();
  return (
    <Stack gap={2}>
      <Text size="sm" c="dimmed">
        {w.past}
        {past.map((p) => put(w.pastone, { was: p.name, until: clock.date(p.until), now: area(p.now) })).join('; ')}.
      </Text>
    </Stack>
  );
}
