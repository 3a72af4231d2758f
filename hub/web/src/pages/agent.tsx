import { Alert, Anchor, Badge, Card, Code, Group, SimpleGrid, Table, Text, Title } from '@mantine/core';
import { IconClockPause } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import { api, type Schemas } from '../api/client';
import { useMe } from '../api/session';
import { Commands } from '../fleet/commands';
import { ago, gigabytes, isFresh, tone } from '../fleet/state';
import { words } from '../i18n/fleet';
import { useAreaNames } from '../parts/areas';
import { State } from '../parts/badges';
import { Page } from '../parts/page';
import { Rows, Trouble } from '../parts/states';
import { number, useClock, useTick } from '../time';

type Agent = Schemas['AgentView'];

/** One cluster: how each part is, what it played, and what can be asked of it. */
export default function AgentPage({ id }: { id: string }) {
  const { t } = useTranslation(words);
  const me = useMe();
  const areaName = useAreaNames();
  const now = useTick();
  const { data: a, error, refetch } = api.useQuery('get', '/agents/{id}', { params: { path: { id } } }, { refetchInterval: 10_000 });
  const [log, setLog] = useState<string[]>();
  if (!a) return <Page title={t('title')}>{error ? <Trouble error={error} again={() => void refetch()} /> : <Rows />}</Page>;
  const isNew = isFresh(a, now) && !error;
  return (
    <Page
      title={a.name}
      lead={
        <>
          <Anchor component={Link} href="/fleet" size="sm" underline="always">
            {t('agent.back')}
          </Anchor>{' '}
          › {areaName(a.area)} · {t('agent.heard', { ago: ago(t, a.status_at ?? a.last_seen, now) })}
        </>
      }
      actions={
        <Anchor component={Link} href={`/why?agent=${a.id}&at=${encodeURIComponent(new Date(now).toISOString())}`} underline="always">
          {t('agent.why')}
        </Anchor>
      }
    >
      <Trouble error={error} again={() => void refetch()} />
      {!isNew && <Alert color="yellow" icon={<IconClockPause size={20} />} title={a.status_at ? t('agent.stale', { ago: ago(t, a.status_at, now) }) : t('agent.never')} role="status" />}
      <SimpleGrid cols={{ base: 1, md: me.role === 'admin' ? 2 : 1 }}>
        <Parts a={a} isNew={isNew} now={now} />
        {me.role === 'admin' && <Commands id={a.id} online={a.online} onLog={setLog} />}
      </SimpleGrid>
      {log && (
        <Card aria-label={t('agent.log')} component="section">
          <Title order={2} mb="xs">
            {t('agent.log')}
          </Title>
          {log.length === 0 ? (
            <Text c="dimmed">{t('agent.empty')}</Text>
          ) : (
            <Code block tabIndex={0} mah={360} style={{ overflow: 'auto', whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
              {log.join('\n')}
            </Code>
          )}
        </Card>
      )}
      <Sounds id={a.id} />
    </Page>
  );
}

function Parts({ a, isNew, now }: { a: Agent; isNew: boolean; now: number }) {
  const { t } = useTranslation(words);
  const clock = useClock();
  const word = (is: string) => <Badge color={tone(is, isNew)}>{t(`word.${is}`, { defaultValue: is })}</Badge>;
  const link = a.state !== 'active' ? a.state : a.online ? 'online' : 'offline';
  const sounding = (s: Schemas['Sounding'] | undefined) => (s ? `${s.title}, ${clock.range(s.start, s.end)}` : t('agent.nothing'));
  return (
    <Card component="section" aria-label={t('agent.parts')}>
      <Title order={2} mb="xs">
        {t('agent.parts')}
      </Title>
      <Table withRowBorders>
        <Table.Tbody>
          <Part name={t('agent.link')}>
            <Badge color={link === 'online' ? (isNew ? 'green' : 'yellow') : link === 'offline' ? 'red' : 'gray'}>{t(link)}</Badge>
            {a.online ? a.line?.since && t('agent.since', { at: clock.both(a.line.since) }) : ago(t, a.last_seen, now)}
          </Part>
          <Part name={t('agent.line')}>{a.line ? t('agent.quality', { ms: number(a.line.round_ms), rate: a.line.bytes_per_s ? t('agent.rate', { n: number(a.line.bytes_per_s / 1000) }) : t('agent.norate') }) : '–'}</Part>
          <Part name={t('col.card')}>
            {word(a.card.state)} {a.card.since && t('agent.since', { at: clock.both(a.card.since) })} {a.card.detail && <Detail text={a.card.detail} />}
          </Part>
          <Part name={t('col.clock')}>
            {word(a.clock.trust)} {t('agent.offset', { ms: number(a.clock.offset_ms), error: number(a.clock.error_ms) })}
          </Part>
          <Part name={t('col.cache')}>
            {word(a.cache.state)} {a.cache.missing > 0 ? t('agent.need', { n: a.cache.missing, mb: number(a.cache.missing_bytes / 1e6, 1) }) : a.cache.armed_until && t('agent.armed', { at: clock.both(a.cache.armed_until) })}
          </Part>
          <Part name={t('col.free')}>{t('agent.used', { used: number(gigabytes(a.cache.used_bytes), 1), limit: number(gigabytes(a.cache.limit_bytes), 1), free: number(gigabytes(a.cache.free_bytes), 1) })}</Part>
          <Part name={t('col.plan')}>
            {word(a.plan_state)} {a.plan_expires ? t('agent.plan', { n: a.plan_version, at: clock.both(a.plan_expires) }) : a.plan_code}
          </Part>
          <Part name={t('agent.now')}>{isNew ? sounding(a.now_playing) : '–'}</Part>
          <Part name={t('agent.next')}>{sounding(a.next)}</Part>
          <Part name={t('agent.outboxword')}>{t('agent.outbox', { n: number(a.outbox) })}</Part>
          <Part name={t('agent.software')}>
            {a.software} {a.os}
          </Part>
        </Table.Tbody>
      </Table>
    </Card>
  );
}

function Part({ name, children }: { name: string; children: ReactNode }) {
  return (
    <Table.Tr>
      <Table.Th scope="row" w={120} fw={500}>
        {name}
      </Table.Th>
      <Table.Td>
        <Group gap="xs">{children}</Group>
      </Table.Td>
    </Table.Tr>
  );
}

/** A technical detail, cut where it would be a wall. */
function Detail({ text }: { text: string }) {
  return (
    <Text size="xs" c="dimmed" lineClamp={2} title={text} style={{ overflowWrap: 'anywhere' }}>
      {text}
    </Text>
  );
}

function Sounds({ id }: { id: string }) {
  const { t } = useTranslation(words);
  const clock = useClock();
  const { data, error, refetch } = api.useQuery('get', '/plays', { params: { query: { agent: id, order: 'desc', limit: 8 } } });
  const last = data?.items ?? [];
  return (
    <Card component="section" aria-label={t('agent.sounds')}>
      <Group justify="space-between" mb="xs">
        <Title order={2}>{t('agent.sounds')}</Title>
        <Anchor component={Link} href={`/plays?agent=${id}`} size="sm" underline="always">
          {t('agent.allsounds')}
        </Anchor>
      </Group>
      <Trouble error={error} again={() => void refetch()} />
      {data && last.length === 0 && <Text c="dimmed">{t('agent.nosounds')}</Text>}
      {last.map((p) => (
        <Group key={p.id} gap="xs" py={4}>
          <Text size="sm" w={140}>
            {clock.both(p.started_at ?? p.planned_start)}
          </Text>
          <State of="outcome" is={p.outcome} />
          <Text size="sm">{p.title}</Text>
          <Text size="sm" c="dimmed">
            {t(`reason.${p.reason}`, { defaultValue: p.reason })}
          </Text>
        </Group>
      ))}
    </Card>
  );
}
