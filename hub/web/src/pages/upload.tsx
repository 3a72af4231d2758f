import { ActionIcon, Button, Card, Fieldset, FileButton, Group, Stack, Text, TextInput, Title } from '@mantine/core';
import { IconUpload, IconX } from '@tabler/icons-react';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { fieldsOf, MetaFields, noWords } from '../parts/meta';
import { uploads } from '../api/upload';

/** A file's name as a title: without its ending, words parted by blanks. */
function titleOf(name: string): string {
  return name.replace(/\.[^.]+$/, '').replace(/[_\s]+/g, ' ').normalize('NFC').trim();
}

/** Many files at once: what holds for all is written once, the title of each apart. */
export default function UploadPanel({ files: first, close }: { files: File[]; close: () => void }) {
  const { t } = useTranslation();
  const [files, setFiles] = useState(() => first.map((file) => ({ file, title: titleOf(file.name) })));
  const [words, setWords] = useState(noWords);
  const [over, setOver] = useState(false);
  const add = (more: File[]) => setFiles((now) => [...now, ...more.map((file) => ({ file, title: titleOf(file.name) }))]);

  function send(e: FormEvent) {
    e.preventDefault();
    const common = fieldsOf(words);
    uploads.add(files.map(({ file, title }) => ({ file, fields: { ...common, title } })));
    close();
  }

  return (
    <Card component="section" aria-label={t('upload.title')}>
      <form onSubmit={send}>
        <Stack gap="sm">
          <Group justify="space-between">
            <Title order={2}>{t('upload.title')}</Title>
            <ActionIcon variant="subtle" color="gray" aria-label={t('common.close')} onClick={close}>
              <IconX size={18} />
            </ActionIcon>
          </Group>
          <div
            className="drop"
            data-over={over || undefined}
            onDragOver={(e) => (e.preventDefault(), e.stopPropagation(), setOver(true))}
            onDragLeave={() => setOver(false)}
            onDrop={(e) => {
              e.preventDefault();
              e.stopPropagation();
              setOver(false);
              add([...e.dataTransfer.files]);
            }}
          >
            <Text fw={600}>{t('upload.drop')}</Text>
            <Text size="sm" c="dimmed" mb="xs">
              {t('upload.or')}
            </Text>
            <FileButton multiple accept="audio/*,video/*,.opus,.wma" onChange={add}>
              {(props) => (
                <Button variant="default" {...props}>
                  {t('upload.choose')}
                </Button>
              )}
            </FileButton>
          </div>
          {files.map((f, i) => (
            <Group key={`${f.file.name}-${i}`} align="flex-end" gap="xs" wrap="nowrap">
              <TextInput
                flex={1} label={t('upload.name')} description={t('upload.file', { name: f.file.name })} value={f.title} required withAsterisk={false} maxLength={200}
                onChange={(e) => {
                  const title = e.currentTarget.value;
                  setFiles((now) => now.map((x, n) => (n === i ? { ...x, title } : x)));
                }}
              />
              <ActionIcon variant="default" size="lg" aria-label={t('common.remove', { what: f.file.name })} onClick={() => setFiles((now) => now.filter((_, n) => n !== i))}>
                <IconX size={16} />
              </ActionIcon>
            </Group>
          ))}
          {files.length > 0 && (
            <Fieldset legend={t('upload.common')}>
              <MetaFields words={words} set={setWords} />
            </Fieldset>
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t('common.cancel')}
            </Button>
            <Button type="submit" leftSection={<IconUpload size={18} />} disabled={files.length === 0}>
              {t('upload.send', { count: files.length })}
            </Button>
          </Group>
        </Stack>
      </form>
    </Card>
  );
}
