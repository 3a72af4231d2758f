import { Alert, Badge, Button, Drawer, Group, List, Stack, Text, Title } from '@mantine/core';
import { IconCheck, IconPencil, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client';
import { useMe } from '../api/session';
import { useAgentNames, useAreaNames } from '../parts/areas';
import { State } from '../parts/badges';
import { say } from '../parts/notify';
import { Foreseen } from '../parts/foreseen';
import { Rows, Trouble } from '../parts/states';
import { useClock } from '../time';

/** One broadcast: what will become of it, how far its clusters are, and what may be done with it. */
export function Show({ id, close, edit }: { id: string; close: () => void; edit?: () => void }) {
  const { t } = useTranslation();
  const me = useMe();
  const clock = useClock();
  const area = useAreaNames();
  const agent = useAgentNames();
  const path = { params: { path: { id } } };
  const { data: b, error, isPending } = api.useQuery('get', '/broadcasts/{id}', path);
  const preview = api.useQuery('get', '/broadcasts/{id}/preview', path);
  const done = (words: string) => () => {
    say(words);
    close();
  };
  const approve = api.useMutation('post', '/broadcasts/{id}/approve', { onSuccess: done(t('show.approved')) });
  const cancel = api.useMutation('post', '/broadcasts/{id}/cancel', { onSuccess: done(t('show.cancelled')) });
  const [cancelling, setCancelling] = useState(false);
  const version = { ...path, params: { ...path.params, header: { 'If-Match': `"${b?.version ?? 0}"` } } };
  return (
    <Drawer opened onClose={close} position="right" size="lg" title={t('show.title')} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <Trouble error={error ?? approve.error ?? cancel.error} />
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
            <Text size="sm">{t('show.targets', { areas: (b.targets.areas ?? []).map(area).join(', ') || t('common.none') })}</Text>
          </div>
          {preview.error ? <Trouble error={preview.error} /> : preview.data ? <Foreseen p={preview.data} own={b.id} /> : <Rows n={3} />}
          {preview.data && (preview.data.readiness ?? []).length > 0 && b.state === 'approved' && (
            <div>
              <Title order={3}>{t('show.readiness')}</Title>
              <List size="sm" spacing={4} mt={4} listStyleType="none">
                {(preview.data.readiness ?? []).slice(0, 50).map((r) => (
                  <List.Item key={r.agent}>
                    <Group gap="xs">
                      <span>{agent(r.agent)}</span>
                      <State of="ready" is={r.state} />
                      {r.state === 'receiving' && <span>{r.percent}%</span>}
                    </Group>
                  </List.Item>
                ))}
              </List>
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
              {edit && me.may.includes('author') && (
                <Button variant="default" leftSection={<IconPencil size={18} />} onClick={edit}>
                  {t('common.edit')}
                </Button>
              )}
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
