import { Alert, Button, Group, Modal, Stack, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, type Report } from '../api/client';
import { MetaFields, wordsOf } from '../parts/meta';
import { say } from '../parts/notify';
import { Trouble } from '../parts/states';
import { useClock } from '../time';

/** What is written about a report, written anew. */
export default function Edit({ r, close }: { r: Report; close: () => void }) {
  const { t } = useTranslation();
  const clock = useClock();
  const [title, setTitle] = useState(r.title);
  const [words, setWords] = useState(() => wordsOf(r, clock.iso));
  const [seen] = useState(r);
  const written = (of: Report) => JSON.stringify([of.title, wordsOf(of, clock.iso)]);
  const { version } = written(r) === written(seen) ? r : seen; // another's words meanwhile are not overwritten; an approval is no hindrance
  const edit = api.useMutation('patch', '/reports/{id}', {
    onSuccess: () => {
      say(t('edit.saved'));
      close();
    },
  });
  // An end that is not touched keeps its hour, which this form does not show.
  const kept = (at: string | undefined, day: string) => (at && clock.iso(at) === day ? at : day ? `${day}T00:00:00` : '');
  return (
    <Modal opened onClose={close} title={t('edit.title')} size="xl" closeButtonProps={{ 'aria-label': t('common.close') }}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          edit.mutate({
            params: { path: { id: r.id }, header: { 'If-Match': `"${version}"` } },
            body: { title, ...words, valid_from: kept(r.valid_from, words.valid_from), valid_until: kept(r.valid_until, words.valid_until) },
          });
        }}
      >
        <Stack>
          <Trouble error={edit.error} />
          {r.state === 'approved' && <Alert color="yellow">{t('edit.reapprove')}</Alert>}
          <TextInput label={t('upload.name')} value={title} onChange={(e) => setTitle(e.currentTarget.value)} required withAsterisk={false} maxLength={200} data-autofocus />
          <MetaFields words={words} set={setWords} />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t('common.cancel')}
            </Button>
            <Button type="submit" loading={edit.isPending}>
              {t('common.save')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
