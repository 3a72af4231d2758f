import { Alert, Button, Group, Select, Switch, Text, TextInput } from '@mantine/core';
import { IconAlertTriangle, IconLink, IconSearch, IconServerOff } from '@tabler/icons-react';
import { useDeferredValue, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import { useFleet, type Row } from '../api/fleet';
import { useMe } from '../api/session';
import { Lines } from '../fleet/lines';
import { grouped, ranking, sorted, type Sorting } from '../fleet/list';
import { plain, type Trouble as Kind } from '../fleet/state';
import { words } from '../i18n/fleet';
import { AreaSelect, useAreaNames, useAreas } from '../parts/areas';
import { Page } from '../parts/page';
import { Empty, Listed } from '../parts/states';
import { number } from '../time';

type Wish = { text: string; kind: 'any' | 'trouble' | Kind; areas: Set<string> | undefined };

const kinds = ['any', 'trouble', 'offline', 'card', 'clock', 'audio', 'plan'] as const;

export default function Fleet() {
  const { t } = useTranslation(words);
  const me = useMe();
  const { rows, loaded, error, ask } = useFleet();
  const [text, setText] = useState('');
  const [kind, setKind] = useState<Wish['kind']>('any');
  const [area, setArea] = useState('');
  const [byArea, setByArea] = useState(false);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [sorting, setSorting] = useState<Sorting>({ by: 'name', down: false });
  const [names] = useState(ranking);
  const [areas] = useState(ranking);
  const areaName = useAreaNames();
  const below = useBelow(area);
  const typed = useDeferredValue(text);
  const wish = useMemo<Wish>(() => ({ text: plain(typed.trim()), kind, areas: below }), [typed, kind, below]);
  const shown = useMemo(() => rows.filter((r) => matches(r, wish)), [rows, wish]);
  const lines = useMemo(() => {
    const byName = names(rows.map((r) => r.name));
    const areaRank = areas(rows.map((r) => areaName(r.area)));
    const byAreaName = (code: string) => areaRank(areaName(code));
    const all = sorted(shown, sorting, byName, byAreaName);
    return byArea ? grouped(all, open, byAreaName) : all;
  }, [rows, shown, sorting, byArea, open, areaName, names, areas]);
  const toggle = (code: string) => setOpen((was) => (was.has(code) ? new Set([...was].filter((c) => c !== code)) : new Set([...was, code])));
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
        <Switch label={t('group')} checked={byArea} onChange={(e) => setByArea(e.currentTarget.checked)} />
        <Text size="sm" c="dimmed" role="status">
          {loaded && t('shown', { n: number(shown.length), all: number(rows.length) })}
        </Text>
      </Group>
      {loaded && !!error && <Alert color="yellow" icon={<IconAlertTriangle size={20} />} title={t('lost')} role="alert" />}
      <Listed
        list={{ isPending: !loaded && !error, data: loaded || undefined, error: !loaded && error, refetch: ask }}
        empty={
          rows.length === 0 ? (
            <Empty icon={<IconServerOff size={44} stroke={1.3} />} title={t('empty')} hint={t('emptyhint')} />
          ) : (
            shown.length === 0 && <Empty icon={<IconSearch size={44} stroke={1.3} />} title={t('none')} hint={t('nonehint')} />
          )
        }
      >
        <Lines lines={lines} sorting={sorting} sort={setSorting} toggle={toggle} areaName={areaName} />
      </Listed>
    </Page>
  );
}

function matches(r: Row, w: Wish): boolean {
  if (w.areas && !w.areas.has(r.area)) return false;
  if (w.text && !r.plain.includes(w.text)) return false;
  return w.kind === 'any' || (w.kind === 'trouble' ? r.bad.length > 0 : r.bad.includes(w.kind));
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
    return [on, active.length - on, active.filter((r) => r.bad.length > 0).length];
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
