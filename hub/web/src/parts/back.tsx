import { Alert, Button, Group, Modal, Stack, Textarea } from '@mantine/core';
import { IconArrowBack, IconMessage2Exclamation } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, type Schemas } from '../api/client';
import '../i18n/plan';
import { useClock } from '../time';
import { say } from './notify';
import { Trouble } from './states';

type What = { of: 'reports' | 'broadcasts'; id: string; version: number };

/** Gives a draft back to its author, with words. */
export function SendBack({ what, done }: { what: What; done?: () => void }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const [words, setWords] = useState('');
  const onSuccess = () => {
    say(t('plan:back.done'));
    setOpen(false);
    done?.();
  };
  const report = api.useMutation('post', '/reports/{id}/return', { onSuccess });
  const broadcast = api.useMutation('post', '/broadcasts/{id}/return', { onSuccess });
  const ask = { params: { path: { id: what.id }, header: { 'If-Match': `"${what.version}"` } }, body: { words: words.trim() } };
  return (
    <>
      <Button variant="default" leftSection={<IconArrowBack size={18} />} onClick={() => setOpen(true)}>
        {t('plan:back.do')}
      </Button>
      <Modal opened={open} onClose={() => setOpen(false)} title={t('plan:back.title')} centered closeButtonProps={{ 'aria-label': t('common.close') }}>
        <form
          onSubmit={(e) => {
            e.preventDefault();
            if (what.of === 'reports') report.mutate(ask);
            else broadcast.mutate(ask);
          }}
        >
          <Stack>
            <Trouble error={report.error ?? broadcast.error} />
            <Textarea label={t('plan:back.words')} description={t('plan:back.hint')} value={words} onChange={(e) => setWords(e.currentTarget.value)} required withAsterisk={false} minRows={3} autosize maxLength={1000} data-autofocus />
            <Group justify="flex-end">
              <Button variant="default" onClick={() => setOpen(false)}>{t('common.cancel')}</Button>
              <Button type="submit" disabled={!words.trim()} loading={report.isPending || broadcast.isPending}>{t('plan:back.do')}</Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}

/** What was said with a draft that came back. */
export function Returned({ r, again }: { r?: Schemas['Return']; again?: What }) {
  const { t } = useTranslation();
  const clock = useClock();
  const onSuccess = () => say(t('plan:back.sent'));
  const report = api.useMutation('patch', '/reports/{id}', { onSuccess });
  const broadcast = api.useMutation('patch', '/broadcasts/{id}', { onSuccess });
  if (!r) return null;
  const ask = again && { params: { path: { id: again.id }, header: { 'If-Match': `"${again.version}"` } }, body: {} };
  return (
    <Alert color="orange" icon={<IconMessage2Exclamation size={20} />} title={t('plan:back.said', { name: r.by.name, at: clock.both(r.at) })}>
      <Stack gap="xs">
        <span style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>{r.words}</span>
        <Trouble error={report.error ?? broadcast.error} />
        {ask && (
          <Button style={{ alignSelf: 'flex-start' }} size="compact-sm" variant="default" loading={report.isPending || broadcast.isPending} onClick={() => (again.of === 'reports' ? report.mutate(ask) : broadcast.mutate(ask))}>
            {t('plan:back.again')}
          </Button>
        )}
      </Stack>
    </Alert>
  );
}
