import { Alert, Button, Card, Center, Group, Loader, Skeleton, Stack, Text, Title } from '@mantine/core';
import { IconAlertTriangle, IconCloudOff, IconRefresh } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { isProblem, sentence } from '../api/client';

/** What a page shows while it has nothing to show yet. */
export function Loading() {
  const { t } = useTranslation();
  return (
    <Center mih="40vh" role="status">
      <Group gap="sm">
        <Loader size="sm" />
        <Text c="dimmed">{t('common.loading')}</Text>
      </Group>
    </Center>
  );
}

/** Rows to come, so that nothing jumps when they are there. */
export function Rows({ n = 6 }: { n?: number }) {
  const { t } = useTranslation();
  return (
    <Stack gap="xs" role="status" aria-label={t('common.loading')}>
      {Array.from({ length: n }, (_, i) => (
        <Skeleton key={i} height={44} radius="md" />
      ))}
    </Stack>
  );
}

/** An empty list says why, and what to do. */
export function Empty({ icon, title, hint, children }: { icon: ReactNode; title: string; hint?: string; children?: ReactNode }) {
  return (
    <Stack align="center" gap="xs" py={48} px="md" ta="center">
      <Text component="span" c="dimmed" aria-hidden>
        {icon}
      </Text>
      <Title order={2} size="h3">
        {title}
      </Title>
      {hint && (
        <Text c="dimmed" maw={460}>
          {hint}
        </Text>
      )}
      {children}
    </Stack>
  );
}

/** What went wrong, in a sentence with the next step, and a way to try again. */
export function Trouble({ error, again }: { error: unknown; again?: () => void }) {
  const { t } = useTranslation();
  if (!error) return null;
  return (
    <Alert color="red" icon={<IconAlertTriangle size={20} />} title={sentence(error)} role="alert">
      {isProblem(error) && (
        <Text size="xs" c="dimmed">
          {t('error.code', { code: error.code })}
          {error.request_id && ` · ${t('error.request', { id: error.request_id })}`}
        </Text>
      )}
      {again && (
        <Button mt="xs" size="xs" variant="default" leftSection={<IconRefresh size={16} />} onClick={again}>
          {t('error.again')}
        </Button>
      )}
    </Alert>
  );
}

/** A list in its card: rows to come, why there are none, or the rows. What could not be had is not called empty, and what was there stays. */
export function Listed({ list, empty, children }: { list: { isPending: boolean; data?: unknown; error: unknown; refetch: () => unknown }; empty: ReactNode; children: ReactNode }) {
  return (
    <>
      <Trouble error={list.error} again={() => void list.refetch()} />
      {list.isPending ? <Rows /> : list.data !== undefined && <Card padding={0}>{empty || children}</Card>}
    </>
  );
}

/** The hub does not answer at all. */
export function Failing({ again }: { again: () => void }) {
  const { t } = useTranslation();
  return (
    <Center mih="80vh">
      <Empty icon={<IconCloudOff size={48} stroke={1.4} />} title={t('error.title')} hint={t('error.network')}>
        <Button mt="sm" onClick={again}>
          {t('error.again')}
        </Button>
      </Empty>
    </Center>
  );
}
