import { Badge, Box, Button, Card, Group, Progress, SegmentedControl, Select, Stack, Text, Title } from '@mantine/core';
import { IconArrowsSort, IconHandStop, IconPlayerPlay, IconSpeakerphone, IconVolume, IconVolume2, IconVolumeOff } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { lazy, Suspense, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useLocation, useSearch } from 'wouter';
import { api, http, type Schemas } from '../api/client';
import { useMe } from '../api/session';
import { useAgentList, useAreaNames } from '../parts/areas';
import { complain } from '../parts/notify';
import { Page } from '../parts/page';
import { Empty, Rows, Trouble } from '../parts/states';
import { length, useClock, useTick } from '../time';
import { Act, type Action } from './commune-act';
import { Decided, Newest, Programme } from './commune-lists';

const Own = lazy(() => import('./commune-own'));

export type Desk = Schemas['DeskView'];
export type Slot = Schemas['Slot'];

/**
 * The commune's operator from home: what the page at the amplifier gives, on a phone first. All that one tap stops is the
 * operator's; for who answers for more it is one commune's, for a province falls silent by no slip of a thumb.
 */
export default function Commune() {
  const { t } = useTranslation();
  const area = useAreaNames();
  const { data: agents, error, refetch } = useAgentList();
  const [, go] = useLocation();
  const me = useMe();
  const asked = new URLSearchParams(useSearch()).get('agent');
  const agent = agents?.find((a) => a.id === asked) ?? agents?.[0];
  if (!agents) return <Page title={t('nav.commune')}>{error ? <Trouble error={error} again={() => void refetch()} /> : <Rows n={4} />}</Page>;
  if (!agent) {
    return (
      <Page title={t('nav.commune')}>
        <Card>
          <Empty icon={<IconSpeakerphone size={44} stroke={1.3} />} title={t('commune.none')} hint={t('commune.nonehint')} />
        </Card>
      </Page>
    );
  }
  return (
    <Page title={agents.length > 1 ? t('nav.commune') : agent.name} lead={agents.length > 1 ? undefined : area(agent.area)}>
      {agents.length > 1 && (
        <Select
          label={t('common.agent')} size="md" searchable limit={200} allowDeselect={false} value={agent.id} onChange={(v) => go(`/commune?agent=${v ?? ''}`)}
          data={agents.map((a) => ({ value: a.id, label: `${a.name} · ${area(a.area)}` }))}
        />
      )}
      <Cluster key={agent.id} id={agent.id} all={agents.filter((a) => me.role === 'operator' || a.area === agent.area).map((a) => a.id)} />
    </Page>
  );
}

function Cluster({ id, all }: { id: string; all: string[] }) {
  const { t } = useTranslation();
  const me = useMe();
  const { data, error, refetch } = api.useQuery('get', '/agents/{id}/desk', { params: { path: { id } } }, { refetchInterval: 20_000 });
  const now = useTick();
  const [action, setAction] = useState<Action>();
  const [day, setDay] = useState('today');
  const may = me.may.includes('decide');
  if (!data) return error ? <Trouble error={error} again={() => void refetch()} /> : <Rows n={5} />;
  return (
    <>
      <Box className="desk">
        <Stack gap="md">
          {error ? <Trouble error={error} again={() => void refetch()} /> : null}
          <Now desk={data} now={now} />
          {may && (
            <Group gap="xs" grow preventGrowOverflow={false}>
              <Button size="md" variant="default" leftSection={data.muted ? <IconVolume size={20} /> : <IconVolumeOff size={20} />} onClick={() => setAction({ kind: data.muted ? 'unmute' : 'mute' })}>
                {t(data.muted ? 'commune.do.unmute' : 'commune.do.mute')}
              </Button>
              <Button size="md" variant="default" leftSection={<IconVolume2 size={20} />} onClick={() => setAction({ kind: 'volume' })}>
                {t('commune.do.volume')}
              </Button>
              {data.orderables.length > 0 && (
                <Button size="md" variant="default" leftSection={<IconArrowsSort size={20} />} onClick={() => setAction({ kind: 'order' })}>
                  {t('commune.do.order')}
                </Button>
              )}
            </Group>
          )}
          <section>
            <Group justify="space-between" mb="xs">
              <Title order={2}>{t('commune.programme')}</Title>
              <SegmentedControl
                aria-label={t('commune.day')} value={day} onChange={setDay}
                data={[{ value: 'today', label: t('calendar.today') }, { value: 'tomorrow', label: t('commune.tomorrow') }]}
              />
            </Group>
            <Programme slots={day === 'today' ? data.today : data.tomorrow} now={now} act={may ? setAction : undefined} />
          </section>
        </Stack>
        <Stack gap="lg">
          <Decided desk={data} />
          <Suspense fallback={<Rows n={2} />}>
            <Own area={data.area} may={me.may.includes('own')} />
          </Suspense>
        </Stack>
      </Box>
      {may && <Bar desk={data} all={all} />}
      <Act desk={data} action={action} close={() => setAction(undefined)} />
    </>
  );
}

/** What sounds, how far it is, what comes next; or why it is silent. */
function Now({ desk, now }: { desk: Desk; now: number }) {
  const { t } = useTranslation();
  const clock = useClock();
  const at = (s: { start: string; end: string }) => Date.parse(s.start) <= now && now < Date.parse(s.end);
  const due = desk.online ? undefined : desk.today.find((s) => at(s) && s.state !== 'done' && !s.outcome); // it plays without us
  const plays = desk.now_playing ?? due;
  const next = desk.today.concat(desk.tomorrow).find((s) => Date.parse(s.start) > now && s.state === 'planned' && !s.outcome);
  const done = plays ? Math.min(100, (100 * (now - Date.parse(plays.start))) / (Date.parse(plays.end) - Date.parse(plays.start))) : 0;
  return (
    <Card component="section" aria-label={t('commune.now')} padding="md" className={desk.held ? 'desk-held' : undefined}>
      <Stack gap={6}>
        <Group justify="space-between" gap="xs">
          <Text fz={28} fw={600} lh={1.1}>
            {clock.exact(new Date(now))}
          </Text>
          <Badge size="lg" color={desk.online ? 'green' : 'orange'}>
            {desk.online ? t('commune.online') : desk.last_seen ? t('commune.offline', { at: clock.time(desk.last_seen) }) : t('readiness.never')}
          </Badge>
        </Group>
        {desk.held && (
          <Text fw={600} fz="lg" c="var(--mantine-color-error)">
            {t('commune.held', { at: clock.time(desk.held_until ?? desk.at) })}
          </Text>
        )}
        {desk.muted && (
          <Text fw={600} fz="lg">
            {desk.muted_until ? t('commune.muted', { at: clock.time(desk.muted_until) }) : t('commune.mutedopen')}
          </Text>
        )}
        {plays ? (
          <>
            <Text size="sm" c="dimmed">
              {t(due ? 'commune.due' : 'commune.plays')}
            </Text>
            <Text fw={600} fz="xl" lh={1.25} style={{ overflowWrap: 'anywhere' }}>
              {plays.title}
            </Text>
            <Progress value={Math.max(0, done)} size="lg" aria-label={t('commune.position')} />
            <Group justify="space-between" gap="xs">
              <Text>{t('commune.left', { left: length(Math.max(0, Date.parse(plays.end) - now)) })}</Text>
              <Text fw={600}>{t('commune.ends', { at: clock.exact(plays.end) })}</Text>
            </Group>
          </>
        ) : (
          !desk.held && !desk.muted && <Text fz="lg">{t('commune.silent')}</Text>
        )}
        {next && (
          <Text size="sm">
            {t('commune.next', { at: clock.day(next.start) === clock.day(new Date(now)) ? clock.time(next.start) : `${clock.time(next.start)} ${clock.day(next.start)}`, title: next.title })}
          </Text>
        )}
        <Text size="sm" c="dimmed">
          {t('commune.volume', { n: desk.volume_percent, most: desk.ceiling_percent })}
        </Text>
        <Newest desk={desk} now={now} />
      </Stack>
    </Card>
  );
}

/** One tap, always there, within a thumb's reach. */
function Bar({ desk, all }: { desk: Desk; all: string[] }) {
  const { t } = useTranslation();
  const send = useMutation({
    mutationFn: async ({ kind, agents }: { kind: 'hold' | 'release'; agents: string[] }) => {
      const answers = await Promise.all(agents.map((id) => http.POST('/agents/{id}/decisions', { params: { path: { id } }, body: { kind } })));
      const refused = answers.find((a) => a.error);
      if (refused) throw refused.error;
    },
    onError: complain,
  });
  useEffect(() => {
    document.body.dataset.bar = ''; // no message may cover the button
    return () => void delete document.body.dataset.bar;
  }, []);
  const busy = (kind: string) => send.isPending && send.variables.kind === kind;
  return (
    <Box className="desk-bar">
      <Group gap="xs" wrap="nowrap">
        <Button color="red.9" size="xl" h={72} fz={desk.held ? 20 : 24} flex={desk.held ? 1 : 3} px="xs" leftSection={!desk.held && <IconHandStop size={30} />} loading={busy('hold')} onClick={() => send.mutate({ kind: 'hold', agents: [desk.id] })}>
          {t('commune.stop')}
        </Button>
        {desk.held && (
          <Button size="xl" h={72} fz={20} flex={1} px="xs" leftSection={<IconPlayerPlay size={26} />} loading={busy('release')} onClick={() => send.mutate({ kind: 'release', agents: [desk.id] })}>
            {t('commune.continue')}
          </Button>
        )}
        {all.length > 1 && !desk.held && (
          <Button color="red.9" variant="outline" size="xl" h={72} fz="md" flex={1} px="xs" styles={{ label: { whiteSpace: 'normal' } }} loading={busy('hold')} onClick={() => send.mutate({ kind: 'hold', agents: all })}>
            {t('commune.stopall', { n: all.length })}
          </Button>
        )}
      </Group>
    </Box>
  );
}
