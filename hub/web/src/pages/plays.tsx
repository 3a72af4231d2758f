import { Anchor, Button, Group, Select, Table, Text } from '@mantine/core';
import { IconFileSpreadsheet, IconFileTypeCsv, IconHistoryOff, IconX } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useSearch } from 'wouter';
import { http, tableFile, type Schemas } from '../api/client';
import { useList } from '../api/list';
import { AreaSelect, useAgentNames } from '../parts/areas';
import { State } from '../parts/badges';
import { DayInput } from '../parts/inputs';
import { Page } from '../parts/page';
import { Empty, Listed } from '../parts/states';
import { addDays, length, useClock, useMinute } from '../time';

type Play = Schemas['PlayView'];
type Outcome = 'played' | 'cut' | 'skipped';

export default function Plays() {
  const { t } = useTranslation();
  const clock = useClock();
  const today = clock.today();
  const [from, setFrom] = useState(addDays(today, -6));
  const [last, setTo] = useState(''); // none chosen is today, also when it becomes tomorrow
  const to = last || today;
  const [area, setArea] = useState('');
  const [outcome, setOutcome] = useState<'' | Outcome>('');
  const [agent, setAgent] = useState(new URLSearchParams(useSearch()).get('agent') ?? ''); // a cluster's own page leads here
  const agentName = useAgentNames();
  useMinute();
  const picked = { from: `${from}T00:00:00`, to: `${addDays(to, 1)}T00:00:00`, area: area || undefined, outcome: outcome || undefined, agent: agent || undefined };
  const query = { ...picked, order: 'desc' as const, limit: 200 };
  const list = useList('/plays', query, (cursor, signal) => http.GET('/plays', { params: { query: { ...query, cursor } }, signal }), !!from);
  const plays = list.items;
  return (
    <Page
      title={t('plays.title')}
      actions={
        <>
          <Button component="a" href={tableFile('/plays/export', 'xlsx', picked)} download variant="default" leftSection={<IconFileSpreadsheet size={18} />}>
            {t('plays.xlsx')}
          </Button>
          <Button component="a" href={tableFile('/plays/export', 'csv', picked)} download variant="default" leftSection={<IconFileTypeCsv size={18} />}>
            {t('plays.csv')}
          </Button>
        </>
      }
    >
      <Group gap="sm" align="flex-end">
        <DayInput label={t('common.from')} value={from} max={to} onChange={setFrom} required />
        <DayInput label={t('common.to')} value={to} min={from} onChange={setTo} required />
        <Select label={t('plays.outcome')} w={150} value={outcome} onChange={(v) => setOutcome((v ?? '') as '' | Outcome)} allowDeselect={false} data={[{ value: '', label: t('common.all') }, ...(['played', 'cut', 'skipped'] as const).map((o) => ({ value: o, label: t(`state.outcome.${o}`) }))]} />
        <AreaSelect value={area} onChange={setArea} />
        {agent && (
          <Button variant="light" rightSection={<IconX size={16} />} aria-label={t('common.remove', { what: agentName(agent) })} onClick={() => setAgent('')}>
            {agentName(agent)}
          </Button>
        )}
      </Group>
      <Listed list={list} empty={plays.length === 0 && <Empty icon={<IconHistoryOff size={44} stroke={1.3} />} title={t('plays.empty')} hint={t('plays.emptyhint')} />}>
        <Table className="stack" aria-label={t('plays.title')}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('plays.col.what')}</Table.Th>
              <Table.Th>{t('plays.col.outcome')}</Table.Th>
              <Table.Th>{t('plays.col.planned')}</Table.Th>
              <Table.Th>{t('plays.col.agent')}</Table.Th>
              <Table.Th>{t('plays.col.heard')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {plays.map((p) => (
              <Row key={p.id} p={p} />
            ))}
          </Table.Tbody>
        </Table>
      </Listed>
      {list.hasNextPage && (
        <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t('common.more')}
        </Button>
      )}
    </Page>
  );
}

function Row({ p }: { p: Play }) {
  const { t } = useTranslation();
  const clock = useClock();
  const agent = useAgentNames();
  return (
    <Table.Tr data-play={p.id}>
      <Table.Td>
        <Link className="rowlink" href={`/reports/${p.report}`}>
          {p.title}
        </Link>
        {p.class !== 'normal' && (
          <Text size="xs" c="dimmed">
            {t(`class.${p.class as 'urgent'}`)}
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        <State of="outcome" is={p.outcome} />
        <Text size="xs" c="dimmed">
          {t(`reason.${p.reason as 'complete'}`, { defaultValue: p.reason })} ·{' '}
          <Anchor component={Link} href={`/why?agent=${p.agent}&at=${encodeURIComponent(p.planned_start)}`} underline="always" size="xs">
            {t('plays.why')}
          </Anchor>
        </Text>
      </Table.Td>
      <Table.Td style={{ whiteSpace: 'nowrap' }}>
        {clock.exact(p.started_at ?? p.planned_start)}
        <Text size="xs" c="dimmed">
          {clock.day(p.planned_start)}
        </Text>
      </Table.Td>
      <Table.Td>{agent(p.agent)}</Table.Td>
      <Table.Td>{t('plays.heard', { ms: length(p.reached_card_ms), all: length(Date.parse(p.planned_end) - Date.parse(p.planned_start)) })}</Table.Td>
    </Table.Tr>
  );
}
