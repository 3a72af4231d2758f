import { Button, Card, Group, Progress, SegmentedControl, Table, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconFilter, IconMusicOff, IconPlaylist, IconSearch, IconUpload } from '@tabler/icons-react';
import { lazy, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import { http, type Report } from '../api/client';
import { useList } from '../api/list';
import { useMe } from '../api/session';
import { State } from '../parts/badges';
import { Page } from '../parts/page';
import { Empty, Rows, Trouble } from '../parts/states';
import { length, useClock } from '../time';
import { UploadTray } from './uploads';

const UploadPanel = lazy(() => import('./upload'));
const Filters = lazy(() => import('./filters'));

export type Filter = { series?: string; source?: string; law_field?: string; language?: string; kind?: 'report' | 'programme'; law?: 'expired' | 'ending' | 'in_force'; from?: string; to?: string };

const states = ['', 'draft', 'approved', 'processing', 'failed', 'withdrawn'] as const;

export default function Library() {
  const { t } = useTranslation();
  const me = useMe();
  const [text, setText] = useState('');
  const [q] = useDebouncedValue(text, 250);
  const [state, setState] = useState<(typeof states)[number]>('');
  const [dropped, setDropped] = useState<File[]>();
  const [over, setOver] = useState(false);
  const [filter, setFilter] = useState<Filter>({});
  const [filtering, setFiltering] = useState(false);
  const filters = Object.values(filter).filter(Boolean).length;
  const query = { q: q || undefined, state: state || undefined, ...filter, limit: 50 };
  const list = useList('/reports', query, (cursor, signal) => http.GET('/reports', { params: { query: { ...query, cursor } }, signal }));
  const reports = list.items;
  const may = me.may.includes('author');
  const narrowed = q !== '' || state !== '' || filters > 0;

  return (
    <Page
      title={t('library.title')}
      actions={
        may && (
          <>
            <Button component={Link} href="/programmes/new" variant="default" leftSection={<IconPlaylist size={18} />}>
              {t('programme.new')}
            </Button>
            <Button leftSection={<IconUpload size={18} />} onClick={() => setDropped([])}>
              {t('library.upload')}
            </Button>
          </>
        )
      }
    >
      <Group gap="sm" align="flex-end">
        <TextInput type="search" aria-label={t('library.searchlabel')} placeholder={t('library.search')} leftSection={<IconSearch size={18} />} value={text} onChange={(e) => setText(e.currentTarget.value)} flex={{ base: '1 1 100%', md: '1 1 320px' }} />
        <div style={{ overflowX: 'auto', maxWidth: '100%' }}>
          <SegmentedControl aria-label={t('library.filter')} value={state} onChange={(v) => setState(v as typeof state)} data={states.map((s) => ({ value: s, label: s ? t(`state.report.${s}`) : t('common.all') }))} />
        </div>
        <Button variant={filters ? 'light' : 'default'} leftSection={<IconFilter size={18} />} aria-expanded={filtering} onClick={() => setFiltering(!filtering)}>
          {filters ? t('library.filtered', { n: filters }) : t('library.filters')}
        </Button>
      </Group>
      {filtering && (
        <Suspense fallback={<Rows n={1} />}>
          <Filters filter={filter} set={setFilter} />
        </Suspense>
      )}
      <UploadTray />
      {may && dropped && (
        <Suspense fallback={<Rows n={2} />}>
          <UploadPanel files={dropped} close={() => setDropped(undefined)} />
        </Suspense>
      )}
      {list.data && <Trouble error={list.error} again={() => void list.refetch()} />}
      <Card
        padding={0}
        className={over ? 'drop' : undefined}
        data-over={over || undefined}
        onDragOver={(e) => {
          if (!may || !e.dataTransfer.types.includes('Files')) return;
          e.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(e) => {
          if (!may) return;
          e.preventDefault();
          setOver(false);
          setDropped([...e.dataTransfer.files]);
        }}
      >
        {list.error && !list.data ? (
          <Trouble error={list.error} again={() => void list.refetch()} />
        ) : list.isPending ? (
          <Rows />
        ) : reports.length === 0 && narrowed ? (
          <Empty icon={<IconSearch size={44} stroke={1.3} />} title={t('library.nothing')} hint={t('library.nothinghint')}>
            <Button variant="default" mt="xs" onClick={() => (setText(''), setState(''), setFilter({}))}>
              {t('library.clear')}
            </Button>
          </Empty>
        ) : reports.length === 0 ? (
          <Empty icon={<IconMusicOff size={44} stroke={1.3} />} title={t('library.empty')} hint={may ? t('library.emptyhint') : undefined} />
        ) : (
          <Table className="stack" aria-label={t('library.title')}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('library.col.title')}</Table.Th>
                <Table.Th>{t('library.col.state')}</Table.Th>
                <Table.Th ta="right">{t('library.col.length')}</Table.Th>
                <Table.Th>{t('library.col.author')}</Table.Th>
                <Table.Th>{t('library.col.created')}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {reports.map((r) => (
                <Row key={r.id} r={r} />
              ))}
            </Table.Tbody>
          </Table>
        )}
      </Card>
      {list.hasNextPage && (
        <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t('common.more')}
        </Button>
      )}
    </Page>
  );
}

function Row({ r }: { r: Report }) {
  const { t } = useTranslation();
  const clock = useClock();
  return (
    <Table.Tr>
      <Table.Td>
        <Link className="rowlink" href={`/reports/${r.id}`}>
          {r.title}
        </Link>
        {(r.series || r.kind === 'programme') && (
          <Text size="xs" c="dimmed">
            {[r.kind === 'programme' && t('programme.kind'), r.series].filter(Boolean).join(' · ')}
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        {r.state === 'processing' ? (
          <>
            <Progress value={Math.max(r.progress, 4)} w={130} aria-label={t('state.report.processing')} />
            <Text size="xs" c="dimmed">
              {t(`stage.${(r.stage ?? '') as 'probe'}`)} {r.progress}%
            </Text>
          </>
        ) : (
          <>
            <State of="report" is={r.state} />
            {(r.stale || (r.pending && !r.pending.error)) && (
              <Text size="xs" c={r.stale ? 'var(--mantine-color-error)' : 'dimmed'}>
                {r.stale ? t('programme.again') : t('versions.pending')}
              </Text>
            )}
          </>
        )}
      </Table.Td>
      <Table.Td ta="right">{r.duration_ms ? length(r.duration_ms) : '–'}</Table.Td>
      <Table.Td>{r.author.name}</Table.Td>
      <Table.Td style={{ whiteSpace: 'nowrap' }}>{clock.both(r.created)}</Table.Td>
    </Table.Tr>
  );
}
