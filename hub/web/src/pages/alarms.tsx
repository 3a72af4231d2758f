import { ActionIcon, Alert, Anchor, Badge, Button, Card, Group, Menu, Stack, Text, Title } from '@mantine/core';
import { IconAlertTriangle, IconBellCheck, IconBellOff, IconCheck, IconRefresh } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import { api, type Schemas } from '../api/client';
import { useMe } from '../api/session';
import { ago } from '../fleet/state';
import { words } from '../i18n/fleet';
import { useAreaNames } from '../parts/areas';
import { complain } from '../parts/notify';
import { Page } from '../parts/page';
import { Empty, Rows, Trouble } from '../parts/states';
import { useClock, useTick } from '../time';

type Alarm = Schemas['Alarm'];

const silences = [1, 8, 24, 168];

/** What will go wrong, before it does; what somebody sees to is not told again. */
export default function Alarms() {
  const { t } = useTranslation(words);
  const { data, error, refetch } = api.useQuery('get', '/alarms', {}, { refetchInterval: 30_000 });
  const open = data?.items.filter((a) => !a.resolved_at) ?? [];
  const over = data?.items.filter((a) => a.resolved_at).slice(0, 50) ?? [];
  return (
    <Page title={t('alarms.title')}>
      <Trouble error={error} again={() => void refetch()} />
      {!data ? (
        !error && <Rows />
      ) : (
        <>
          {open.length === 0 ? (
            <Card>
              <Empty icon={<IconBellCheck size={44} stroke={1.3} />} title={t('alarms.none')} hint={t('alarms.nonehint')} />
            </Card>
          ) : (
            <Stack gap="xs" role="list" aria-label={t('alarms.open')}>
              {open.map((a) => (
                <One key={a.id} a={a} />
              ))}
            </Stack>
          )}
          {over.length > 0 && (
            <>
              <Title order={2}>{t('alarms.over')}</Title>
              <Stack gap="xs" role="list" aria-label={t('alarms.over')}>
                {over.map((a) => (
                  <One key={a.id} a={a} />
                ))}
              </Stack>
            </>
          )}
          <Channels list={data.channels} />
        </>
      )}
    </Page>
  );
}

function One({ a }: { a: Alarm }) {
  const { t } = useTranslation(words);
  const clock = useClock();
  const now = useTick();
  const areaName = useAreaNames();
  const over = !!a.resolved_at;
  const grave = a.kind === 'will_miss' || a.kind === 'card_missing' || a.kind === 'clock_untrusted';
  return (
    <Card role="listitem" padding="sm" data-alarm={a.key}>
      <Group justify="space-between" align="flex-start" wrap="wrap" gap="xs">
        <div style={{ flex: '1 1 340px', minWidth: 0 }}>
          <Group gap="xs">
            <Badge color={over ? 'gray' : grave ? 'red' : 'orange'}>{t(`alarms.kind.${a.kind}`)}</Badge>
            <Text fw={600} component="span">
              {a.agent ? (
                <>
                  <Anchor component={Link} href={`/fleet/${a.agent}`} underline="always" inherit>{a.name}</Anchor>, {areaName(a.area)}
                </>
              ) : a.area ? (
                t('alarms.where', { area: areaName(a.area), n: a.clusters, of: a.of })
              ) : (
                t('alarms.hub')
              )}
            </Text>
          </Group>
          <Text size="sm" c="dimmed">
            {a.ends && `${t('alarms.before', { at: clock.both(a.ends) })} · `}
            {a.since && `${t('alarms.since', { at: clock.both(a.since) })} · `}
            {over ? t('alarms.ended', { at: clock.both(a.resolved_at!) }) : t('alarms.raised', { ago: ago(t, a.raised_at, now) })}
          </Text>
          {!over && <Text size="sm">{t(`alarms.todo.${a.kind}`)}</Text>}
          {a.acked_at && <Text size="sm">{t('alarms.acked', { name: a.acked_by, at: clock.both(a.acked_at) })}</Text>}
          {!over && a.silenced_until && Date.parse(a.silenced_until) > now && <Text size="sm">{t('alarms.silenced', { name: a.silenced_by, at: clock.both(a.silenced_until) })}</Text>}
        </div>
        {!over && <Actions a={a} silent={!!a.silenced_until && Date.parse(a.silenced_until) > now} />}
      </Group>
    </Card>
  );
}

function Actions({ a, silent }: { a: Alarm; silent: boolean }) {
  const { t } = useTranslation(words);
  const me = useMe();
  const ack = api.useMutation('post', '/alarms/{id}/ack', { onError: complain });
  const silence = api.useMutation('post', '/alarms/{id}/silence', { onError: complain });
  if (me.role !== 'admin') return null;
  const be = (hours: number) => silence.mutate({ params: { path: { id: a.id } }, body: { hours } });
  return (
    <Group gap="xs">
      {!a.acked_at && (
        <Button size="xs" leftSection={<IconCheck size={16} />} loading={ack.isPending} onClick={() => ack.mutate({ params: { path: { id: a.id } } })}>
          {t('alarms.ack')}
        </Button>
      )}
      {silent ? (
        <ActionIcon variant="default" size="md" aria-label={t('alarms.unsilence')} title={t('alarms.unsilence')} onClick={() => be(0)}>
          <IconRefresh size={16} />
        </ActionIcon>
      ) : (
        <Menu>
          <Menu.Target>
            <Button size="xs" variant="default" leftSection={<IconBellOff size={16} />} loading={silence.isPending}>
              {t('alarms.silence')}
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {silences.map((h) => (
              <Menu.Item key={h} onClick={() => be(h)}>
                {h < 25 ? t('alarms.hours', { n: h }) : t('alarms.days', { n: h / 24 })}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      )}
    </Group>
  );
}

function Channels({ list }: { list: Schemas['ChannelView'][] }) {
  const { t } = useTranslation(words);
  const clock = useClock();
  const me = useMe();
  if (me.role !== 'admin' || me.area) return null;
  return (
    <>
      <Title order={2}>{t('alarms.channels')}</Title>
      {list.length === 0 && <Text c="dimmed">{t('alarms.nochannels')}</Text>}
      {list.map((c) => (
        <Card key={c.name} padding="sm">
          <Text fw={600}>
            {t(`alarms.${c.name}`)}: {c.to}
          </Text>
          <Text size="sm" c="dimmed">
            {c.last_sent ? t('alarms.sent', { at: clock.both(c.last_sent) }) : t('alarms.nosent')}
          </Text>
          {c.error && <Alert mt="xs" color="yellow" icon={<IconAlertTriangle size={18} />} title={t('alarms.failing', { error: c.error })} />}
        </Card>
      ))}
    </>
  );
}
