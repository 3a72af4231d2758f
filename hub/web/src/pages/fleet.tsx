import { Alert, Button, Group, Select, Switch, Text, TextInput } from '@mantine/core';
import { IconAlertTriangle, IconLink, IconSearch, IconServerOff } from '@tabler/icons-react';
import { getCoreRowModel, getExpandedRowModel, getFilteredRowModel, getGroupedRowModel, getSortedRowModel, useReactTable, type ColumnDef, type SortingState } from '@tanstack/react-table';
import { useDeferredValue, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import { useFleet, type Row } from '../api/fleet';
import { useMe } from '../api/session';
import { Lines } from '../fleet/lines';
import { plain, troubles, type Trouble as Kind } from '../fleet/state';
import { words } from '../i18n/fleet';
import { AreaSelect, useAreaNames, useAreas } from '../parts/areas';
import { Page } from '../parts/page';
import { Empty, Listed } from '../parts/states';
import { number, useTick } from '../time';

type Wish = { text: string; kind: 'any' | 'trouble' | Kind; areas: Set<string> | undefined };

const kinds = ['any', 'trouble', 'offline', 'card', 'clock', 'audio', 'plan'] as const;

export default function Fleet() {
  const { t } = useTranslation(words);
  const me = useMe();
  const { rows, loaded, error, now, ask } = useFleet();
  const [text, setText] = useState('');
  const [kind, setKind] = useState<Wish['kind']>('any');
  const [area, setArea] = useState('');
  const [grouped, setGrouped] = useState(false);
  const [sorting, setSorting] = useState<SortingState>([{ id: 'name', desc: false }]);
  const areaName = useAreaNames();
  const below = useBelow(area);
  const typed = useDeferredValue(text);
  const wish = useMemo<Wish>(() => ({ text: plain(typed.trim()), kind, areas: below }), [typed, kind, below]);
  const columns = useMemo(() => columnsOf(areaName), [areaName]);
  const table = useReactTable({
    data: rows,
    columns,
    state: { sorting, globalFilter: wish, grouping: grouped ? grouping : none },
    onSortingChange: setSorting,
    globalFilterFn: (row, _, w: Wish) => matches(row.original, w),
    getColumnCanGlobalFilter: (c) => c.id === 'name',
    getRowId: (r) => r.id,
    getCoreRowModel: getCoreRowModel(),
    getFilteredRowModel: getFilteredRowModel(),
    getSortedRowModel: getSortedRowModel(),
    getGroupedRowModel: getGroupedRowModel(),
    getExpandedRowModel: getExpandedRowModel(),
    autoResetExpanded: false,
    autoResetPageIndex: false,
  });
  const shown = table.getFilteredRowModel().rows.length;
  const at = useTick(now);
  return (
    <Page
      title={t('title')}
      lead={loaded && <Counts rows={rows} pick={setKind} />}
      actions={
        me.role === 'admin' && (
          <Button component={Link} href="/pairing" leftSection={<IconLink size={18} />}>
            {t('pair')}
          </Button>
        )
      }
    >
      <Group gap="sm" align="center">
        <TextInput type="search" aria-label={t('searchlabel')} placeholder={t('search')} leftSection={<IconSearch size={16} />} value={text} onChange={(e) => setText(e.currentTarget.value)} w={{ base: '100%', xs: 280 }} />
        <Select aria-label={t('show')} data={kinds.map((k) => ({ value: k, label: t(`filter.${k}`) }))} value={kind} onChange={(v) => setKind((v ?? 'any') as Wish['kind'])} allowDeselect={false} w={170} />
        <AreaSelect value={area} onChange={setArea} />
        <Switch label={t('group')} checked={grouped} onChange={(e) => setGrouped(e.currentTarget.checked)} />
        <Text size="sm" c="dimmed" role="status">
          {loaded && t('shown', { n: number(shown), all: number(rows.length) })}
        </Text>
      </Group>
      {loaded && !!error && <Alert color="yellow" icon={<IconAlertTriangle size={20} />} title={t('lost')} role="alert" />}
      <Listed
        list={{ isPending: !loaded && !error, data: loaded || undefined, error: !loaded && error, refetch: ask }}
        empty={
          rows.length === 0 ? (
            <Empty icon={<IconServerOff size={44} stroke={1.3} />} title={t('empty')} hint={t('emptyhint')} />
          ) : (
            shown === 0 && <Empty icon={<IconSearch size={44} stroke={1.3} />} title={t('none')} hint={t('nonehint')} />
          )
        }
      >
        <Lines table={table} now={at} areaName={areaName} />
      </Listed>
    </Page>
  );
}

const grouping = ['area'];
const none: string[] = [];

function matches(r: Row, w: Wish): boolean {
  if (w.areas && !w.areas.has(r.area)) return false;
  if (w.text && !plain(r.name).includes(w.text)) return false;
  if (w.kind === 'any') return true;
  const list = troubles(r);
  return w.kind === 'trouble' ? list.length > 0 : list.includes(w.kind);
}

const vietnamese = new Intl.Collator('vi', { numeric: true }); // one for all: localeCompare makes one each time

function columnsOf(areaName: (code: string) => string): ColumnDef<Row>[] {
  const word = (id: keyof Row & ('card' | 'clock' | 'cache' | 'plan')): ColumnDef<Row> => ({ id, accessorFn: (r) => r[id], sortingFn: 'basic' });
  return [
    { id: 'name', accessorFn: (r) => r.name, sortingFn: (a, b) => vietnamese.compare(a.original.name, b.original.name) },
    { id: 'area', accessorFn: (r) => r.area, sortingFn: (a, b) => vietnamese.compare(areaName(a.original.area), areaName(b.original.area)) },
    { id: 'link', accessorFn: (r) => (r.state === 'active' ? Number(r.online) : -1), sortingFn: 'basic' },
    word('card'),
    word('clock'),
    word('cache'),
    { id: 'free', accessorFn: (r) => r.free ?? -1, sortingFn: 'basic' },
    word('plan'),
    { id: 'next', accessorFn: (r) => (r.playing ? 0 : r.next ? Date.parse(r.next) : Infinity), sortingFn: 'basic' },
    { id: 'age', accessorFn: (r) => (r.status_at ? -Date.parse(r.status_at) : Infinity), sortingFn: 'basic' },
  ];
}

/** The codes of an area and everything below it; undefined for everywhere. */
function useBelow(area: string): Set<string> | undefined {
  const areas = useAreas();
  return useMemo(() => {
    if (!area) return undefined;
    const below = new Set([area]);
    for (let before = 0; before < below.size; ) {
      before = below.size;
      for (const a of areas) if (a.parent && below.has(a.parent)) below.add(a.code);
    }
    return below;
  }, [area, areas]);
}

function Counts({ rows, pick }: { rows: Row[]; pick: (kind: Wish['kind']) => void }) {
  const { t } = useTranslation(words);
  const [online, offline, bad] = useMemo(() => {
    const active = rows.filter((r) => r.state === 'active');
    const on = active.filter((r) => r.online).length;
    return [on, active.length - on, active.filter((r) => troubles(r).length > 0).length];
  }, [rows]);
  const count = (word: string, n: number, kind: Wish['kind']) => (
    <Button variant="subtle" size="compact-sm" onClick={() => pick(kind)}>
      {t(`count.${word}`)}: {number(n)}
    </Button>
  );
  return (
    <Group gap={4}>
      {count('all', rows.length, 'any')}
      <Text size="sm" px={8}>
        {t('count.online')}: {number(online)}
      </Text>
      {count('offline', offline, 'offline')}
      {count('trouble', bad, 'trouble')}
    </Group>
  );
}
