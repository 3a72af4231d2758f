import { Alert, Badge, Button, Drawer, Grid, Group, List, Stack, Text, Title } from '@mantine/core';
import { IconCalendarMinus, IconCheck, IconCopy, IconPencil, IconTrash } from '@tabler/icons-react';
import { lazy, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, type Broadcast } from '../api/client';
import { useMe } from '../api/session';
import '../i18n/plan';
import { useAgentNames } from '../parts/areas';
import { Returned, SendBack } from '../parts/back';
import { BroadcastChanges, useSpecWords } from '../parts/changes';
import { bodyOf } from '../parts/draft';
import { deed, did } from '../parts/undo';
import { State } from '../parts/badges';
import { say } from '../parts/notify';
import { Foreseen } from '../parts/foreseen';
import { Rows, Trouble } from '../parts/states';
import { length, useClock, written } from '../time';
import { useKnown } from './form';

/** One broadcast, and of a series the day that was clicked: what will become of it, how far its clusters are, and what may be done with it. */
export function Show({ id, day, close, edit, copy }: { id: string; day?: string; close: () => void; edit?: () => void; copy?: () => void }) {
  const { t } = useTranslation();
  const me = useMe();
  const clock = useClock();
  const agent = useAgentNames();
  const path = { params: { path: { id } } };
  const { data: b, error, isPending, refetch } = api.useQuery('get', '/broadcasts/{id}', path);
  const preview = api.useQuery('get', '/broadcasts/{id}/preview', path);
  const done = (words: string) => () => {
    say(words);
    close();
  };
  const approve = api.useMutation('post', '/broadcasts/{id}/approve', { onSuccess: done(t('show.approved')) });
  const cancel = api.useMutation('post', '/broadcasts/{id}/cancel', { onSuccess: (gone) => {
      did(deed('cancelled', gone), { kind: 'create', body: bodyOf(gone) });
      done(t('show.cancelled'))();
    },
  });
  const leave = api.useMutation('put', '/broadcasts/{id}/days-off/{day}', {
    onSuccess: (b, { params }) => {
      did(deed('left', { title: b.title, day: written(params.path.day) }), { kind: 'restore', id: b.id, day: params.path.day });
      done(t('plan:left', { day: written(params.path.day) }))();
    },
  });
  const restore = api.useMutation('delete', '/broadcasts/{id}/days-off/{day}', {
    onSuccess: (b, { params }) => {
      did(deed('restored', { title: b.title, day: written(params.path.day) }), { kind: 'leave', id: b.id, day: params.path.day });
      say(t('plan:restored', { day: written(params.path.day) }));
    },
  });
  const [cancelling, setCancelling] = useState(false);
  const [many, setMany] = useState(50);
  const version = { ...path, params: { ...path.params, header: { 'If-Match': `"${b?.version ?? 0}"` } } };
  return (
    <Drawer opened onClose={close} position="right" size="xl" title={t('show.title')} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <Trouble error={error} again={() => void refetch()} />
      <Trouble error={approve.error ?? cancel.error ?? leave.error ?? restore.error} />
      {isPending && !error && <Rows />}
      {b && (
        <Stack>
          <div>
            <Title order={2}>{b.title}</Title>
            <Group gap="xs" mt={4}>
              <State of="broadcast" is={b.state} />
              <Badge color={b.class === 'priority' ? 'orange' : 'gray'}>{t(`class.${b.class as 'normal'}`)}</Badge>
            </Group>
            <Text size="sm" c="dimmed" mt={4}>
              {t('show.by', { name: b.editor.name })} · {clock.both(b.updated)}
            </Text>
          </div>
          {!!b.heard_version && <Alert color="blue">{t('plan:changes.heard')}</Alert>}
          <Returned r={b.returned} again={b.author.id === me.id || b.editor.id === me.id ? { of: 'broadcasts', id: b.id, version: b.version } : undefined} />
          <Grid gap="lg">
            <Grid.Col span={{ base: 12, md: b.state === 'draft' ? 6 : 12 }}>
              <Contents b={b} />
            </Grid.Col>
            {b.state === 'draft' && (
              <Grid.Col span={{ base: 12, md: 6 }}>
                <BroadcastChanges b={b} />
              </Grid.Col>
            )}
          </Grid>
          {preview.error ? <Trouble error={preview.error} again={() => void preview.refetch()} /> : preview.data ? <Foreseen p={preview.data} own={b.id} /> : <Rows n={3} />}
          {preview.data && (preview.data.readiness ?? []).length > 0 && b.state === 'approved' && (
            <div>
              <Title order={3}>{t('show.readiness')}</Title>
              <List size="sm" spacing={4} mt={4} listStyleType="none">
                {(preview.data.readiness ?? []).slice(0, many).map((r) => (
                  <List.Item key={r.agent}>
                    <Group gap="xs">
                      <span>{agent(r.agent)}</span>
                      <State of="ready" is={r.state} />
                      {r.state === 'receiving' && <span>{r.percent}%</span>}
                    </Group>
                  </List.Item>
                ))}
              </List>
              {(preview.data.readiness ?? []).length > many && (
                <Button size="compact-sm" variant="subtle" onClick={() => setMany(many + 200)}>
                  {t('plan:more', { n: (preview.data.readiness ?? []).length - many })}
                </Button>
              )}
            </div>
          )}
          {(b.days_off ?? []).length > 0 && (
            <div>
              <Title order={3}>{t('plan:off')}</Title>
              <Group gap="xs" mt={4}>
                {(b.days_off ?? []).map((d) => (
                  <Group key={d} gap={4}>
                    <Text size="sm">{written(d)}</Text>
                    {me.may.includes('withdraw') && d >= clock.today() && (
                      <Button size="compact-xs" variant="default" loading={restore.isPending} onClick={() => restore.mutate({ params: { path: { id, day: d } } })}>
                        {t('plan:restore', { day: written(d) })}
                      </Button>
                    )}
                  </Group>
                ))}
              </Group>
            </div>
          )}
          {cancelling && (
            <Alert color="red" title={t('show.cancel')}>
              <Text size="sm">{t('show.cancelhint')}</Text>
              <Group mt="sm">
                <Button variant="default" onClick={() => setCancelling(false)}>
                  {t('show.keep')}
                </Button>
                <Button color="red.8" loading={cancel.isPending} onClick={() => cancel.mutate(version)}>
                  {t('show.cancel')}
                </Button>
              </Group>
            </Alert>
          )}
          {b.state !== 'cancelled' && !cancelling && (
            <Group justify="flex-end" gap="xs">
              {me.may.includes('withdraw') && (
                <Button variant="light" color="red" leftSection={<IconTrash size={18} />} onClick={() => setCancelling(true)}>
                  {t('show.cancel')}
                </Button>
              )}
              {day && me.may.includes('withdraw') && day >= clock.today() && (
                <Button variant="default" leftSection={<IconCalendarMinus size={18} />} loading={leave.isPending} onClick={() => leave.mutate({ params: { path: { id, day } } })}>
                  {t('plan:leave')}
                </Button>
              )}
              {copy && me.may.includes('author') && (
                <Button variant="default" leftSection={<IconCopy size={18} />} onClick={copy}>
                  {t('plan:copy')}
                </Button>
              )}
              {edit && me.may.includes('author') && (
                <Button variant="default" leftSection={<IconPencil size={18} />} onClick={edit}>
                  {t('common.edit')}
                </Button>
              )}
              {b.state === 'draft' && me.may.includes('approve') && <SendBack what={{ of: 'broadcasts', id: b.id, version: b.version }} done={close} />}
              {b.state === 'draft' && me.may.includes('approve') && (
                <Button leftSection={<IconCheck size={18} />} loading={approve.isPending} onClick={() => approve.mutate(version)}>
                  {t('show.approve')}
                </Button>
              )}
            </Group>
          )}
        </Stack>
      )}
    </Drawer>
  );
}

const Player = lazy(() => import('../parts/player').then((m) => ({ default: m.Player })));

/** What is heard, to be read and, one by one, listened to. */
function Contents({ b }: { b: Broadcast }) {
  const { t } = useTranslation();
  const words = useSpecWords();
  const known = useKnown((b.items ?? []).map((i) => i.report));
  const [heard, setHeard] = useState<string>();
  const { when, targets, lateness } = words(b as Parameters<typeof words>[0], () => '');
  return (
    <div>
      <Title order={3}>{t('plan:contents')}</Title>
      <Text size="sm">{when}</Text>
      <Text size="sm">{targets}</Text>
      <Text size="sm" c="dimmed">{lateness}</Text>
      <Stack gap={6} mt={6}>
        {(b.items ?? []).map(({ report }, i) => {
          const r = known.get(report);
          return (
            <div key={`${report}-${i}`}>
              <Group gap="xs" justify="space-between" wrap="nowrap">
                <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
                  {i + 1}. {r?.title ?? '…'} <Text span size="sm" c="dimmed">{r?.duration_ms ? length(r.duration_ms) : ''}</Text>
                </Text>
                {r?.sha256 && (
                  <Button size="compact-sm" variant="default" aria-expanded={heard === `${i}`} aria-label={`${t('plan:listen')}: ${r.title}`} onClick={() => setHeard(heard === `${i}` ? undefined : `${i}`)}>
                    {t('plan:listen')}
                  </Button>
                )}
              </Group>
              {heard === `${i}` && r && (
                <Suspense fallback={<Rows n={2} />}>
                  <Player report={r.id} duration={r.duration_ms ?? 0} title={r.title} />
                </Suspense>
              )}
            </div>
          );
        })}
      </Stack>
    </div>
  );
}
