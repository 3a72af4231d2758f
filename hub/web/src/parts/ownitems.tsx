import { Alert, Button, Card, Group, Modal, Stack, Text, Textarea } from '@mantine/core';
import { IconBan, IconCheck, IconPhone } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, type Schemas } from '../api/client';
import { useMe } from '../api/session';
import '../i18n/plan';
import { length, useClock } from '../time';
import { useAreaNames } from './areas';
import { daypartName } from './dayparts';
import { say } from './notify';
import { Trouble } from './states';

/** What communes put into a daypart at their PCs: its audio is there alone, so whoever allows it asks by telephone. */
export function OwnItems({ items }: { items: Schemas['OwnItemView'][] }) {
  const { t } = useTranslation();
  return (
    <>
      <Alert color="blue" icon={<IconPhone size={20} />}>
        {t('plan:own.where')}
      </Alert>
      {items.map((it) => (
        <Item key={it.agent + it.subject} it={it} />
      ))}
    </>
  );
}

function Item({ it }: { it: Schemas['OwnItemView'] }) {
  const { t } = useTranslation();
  const clock = useClock();
  const me = useMe();
  const nameOf = useAreaNames();
  const [refusing, setRefusing] = useState(false);
  const path = { id: it.agent };
  const allow = api.useMutation('post', '/agents/{id}/decisions', { onSuccess: () => say(t('plan:own.allowed')) });
  return (
    <Card component="article" aria-label={it.title}>
      <Group justify="space-between" gap="sm" align="flex-start">
        <Stack gap={2} style={{ minWidth: 0, flex: '1 1 320px' }}>
          <Text fw={600} style={{ overflowWrap: 'anywhere' }}>
            {it.title}
          </Text>
          <Text size="sm">{[nameOf(it.area), it.agent_name, length(it.duration_ms)].join(' · ')}</Text>
          <Text size="sm">{t('plan:own.when', { daypart: daypartName(t, it.daypart), at: clock.range(it.start, it.end), day: clock.day(it.start) })}</Text>
          <Text size="sm">{t('plan:own.level')}</Text>
          <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
            {it.who ? t('plan:own.by', { who: it.who, at: clock.both(it.put_at) }) : t('plan:own.bysomebody', { at: clock.both(it.put_at) })}
            {it.reason && ` ${t('plan:own.reason', { reason: it.reason })}`}
          </Text>
        </Stack>
        {me.may.includes('approve') ? (
          <Group gap="xs">
            <Button variant="default" leftSection={<IconBan size={18} />} onClick={() => setRefusing(true)}>
              {t('plan:own.refuse')}
            </Button>
            <Button leftSection={<IconCheck size={18} />} loading={allow.isPending} onClick={() => allow.mutate({ params: { path }, body: { kind: 'allow', subject: it.subject } })}>
              {t('plan:own.allow')}
            </Button>
          </Group>
        ) : (
          <Text size="sm" c="dimmed">
            {t('approvals.may')}
          </Text>
        )}
      </Group>
      <Trouble error={allow.error} />
      <Modal opened={refusing} onClose={() => setRefusing(false)} title={t('plan:own.refusetitle', { title: it.title })} centered closeButtonProps={{ 'aria-label': t('common.close') }}>
        <Refuse it={it} close={() => setRefusing(false)} />
      </Modal>
    </Card>
  );
}

function Refuse({ it, close }: { it: Schemas['OwnItemView']; close: () => void }) {
  const { t } = useTranslation();
  const [words, setWords] = useState('');
  const refuse = api.useMutation('post', '/agents/{id}/decisions', { onSuccess: () => say(t('plan:own.refused')) });
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault();
        refuse.mutate({ params: { path: { id: it.agent } }, body: { kind: 'skip', subject: it.slot, reason: words.trim() } });
      }}
    >
      <Stack>
        <Trouble error={refuse.error} />
        <Textarea label={t('report.reason')} description={t('plan:own.wordshint')} value={words} onChange={(e) => setWords(e.currentTarget.value)} required withAsterisk={false} minRows={3} autosize maxLength={500} data-autofocus />
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" disabled={!words.trim()} loading={refuse.isPending}>
            {t('plan:own.refuse')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
