import { Anchor, Button, Card, Group, Progress, Stack, Text, Title } from '@mantine/core';
import { IconCheck, IconRefresh } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import { sentence } from '../api/client';
import { uploads, useUploads, type Upload } from '../api/upload';

/** What is on its way; it goes on while the person looks at other pages. */
export function UploadTray({ report }: { report?: string }) {
  const { t } = useTranslation();
  const list = useUploads().filter((u) => !report || u.fields.report === report);
  if (list.length === 0) return null;
  return (
    <Card component="section" aria-label={t('upload.tray')}>
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h3">
          {t('upload.tray')}
        </Title>
        <Button size="compact-sm" variant="subtle" color="gray" onClick={uploads.clear}>
          {t('upload.clear')}
        </Button>
      </Group>
      <Stack gap="sm">
        {list.map((u) => (
          <One key={u.id} u={u} />
        ))}
      </Stack>
    </Card>
  );
}

function One({ u }: { u: Upload }) {
  const { t } = useTranslation();
  const words = u.state === 'sending' ? t('upload.sending', { n: u.percent }) : t(`upload.${u.state}`);
  return (
    <div>
      <Group justify="space-between" gap="xs">
        <Text size="sm" fw={600} truncate maw="70%">
          {u.fields.title}
        </Text>
        <Group gap="xs">
          <Text size="sm" c="dimmed" role="status">
            {words}
          </Text>
          {u.state === 'done' && u.report && (
            <Anchor component={Link} href={`/reports/${u.report}`} size="sm">
              {t('upload.open')}
            </Anchor>
          )}
          {u.state === 'done' && <IconCheck size={18} aria-hidden />}
          {u.state === 'failed' && (
            <Button size="compact-sm" variant="default" leftSection={<IconRefresh size={14} />} onClick={() => uploads.again(u.id)}>
              {t('upload.again')}
            </Button>
          )}
        </Group>
      </Group>
      {(u.state === 'sending' || u.state === 'waiting') && <Progress value={u.percent} mt={4} aria-label={u.fields.title} />}
      {u.state === 'failed' && (
        <Text size="sm" c="var(--mantine-color-error)">
          {sentence(u.error)}
        </Text>
      )}
    </div>
  );
}
