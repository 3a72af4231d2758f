import { Badge, Button, Card, Collapse, Group, Stack, Text, Title } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconCheck, IconChecks, IconHeadphones } from '@tabler/icons-react';
import { lazy, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import { api, type Broadcast, type Report } from '../api/client';
import { useMe } from '../api/session';
import { say } from '../parts/notify';
import { Page } from '../parts/page';
import { Empty, Rows, Trouble } from '../parts/states';
import { length, useClock } from '../time';
import { Show } from './show';

const Player = lazy(() => import('../parts/player').then((m) => ({ default: m.Player })));

export default function Approvals() {
  const { t } = useTranslation();
  const query = { params: { query: { state: 'draft' as const, limit: 50 } } };
  const reports = api.useQuery('get', '/reports', query);
  const broadcasts = api.useQuery('get', '/broadcasts', query);
  const urgent = api.useQuery('get', '/urgent', query);
  const [shown, setShown] = useState<string>();
  const error = reports.error ?? broadcasts.error ?? urgent.error;
  const pending = reports.isPending || broadcasts.isPending || urgent.isPending;
  const none = !pending && !error && [reports, broadcasts, urgent].every((q) => q.data?.items.length === 0);
  return (
    <Page title={t('approvals.title')}>
      <Trouble error={error} again={() => void Promise.all([reports.refetch(), broadcasts.refetch(), urgent.refetch()])} />
      {pending && !error && <Rows />}
      {none && (
        <Card>
          <Empty icon={<IconChecks size={44} stroke={1.3} />} title={t('approvals.empty')} hint={t('approvals.emptyhint')} />
        </Card>
      )}
      <Section title={t('approvals.urgent')} n={urgent.data?.items.length}>
        {urgent.data?.items.map((u) => (
          <Card key={u.id} className={`urgent-${u.kind}`}>
            <Group justify="space-between">
              <div>
                <Group gap="xs">
                  <Text fw={600}>{u.title}</Text>
                  <Badge color={u.kind === 'live' ? 'red' : 'blue'}>{t(`urgent.${u.kind as 'live'}`)}</Badge>
                </Group>
                <By name={u.author.name} at={u.created} />
              </div>
              <Button component={Link} href="/urgent" variant="default">
                {t('approvals.open')}
              </Button>
            </Group>
          </Card>
        ))}
      </Section>
      <Section title={t('approvals.reports')} n={reports.data?.items.length}>
        {reports.data?.items.map((r) => (
          <ReportCard key={r.id} r={r} />
        ))}
      </Section>
      <Section title={t('approvals.broadcasts')} n={broadcasts.data?.items.length}>
        {broadcasts.data?.items.map((b) => (
          <BroadcastCard key={b.id} b={b} open={() => setShown(b.id)} />
        ))}
      </Section>
      {shown && <Show id={shown} close={() => setShown(undefined)} />}
    </Page>
  );
}

function Section({ title, n, children }: { title: string; n?: number; children: React.ReactNode }) {
  if (!n) return null;
  return (
    <Stack gap="xs" component="section" aria-label={title}>
      <Title order={2}>{title}</Title>
      {children}
    </Stack>
  );
}

function By({ name, at }: { name: string; at: string }) {
  const { t } = useTranslation();
  const clock = useClock();
  return (
    <Text size="sm" c="dimmed">
      {t('approvals.author', { name, at: clock.both(at) })}
    </Text>
  );
}

function ReportCard({ r }: { r: Report }) {
  const { t } = useTranslation();
  const me = useMe();
  const [open, { toggle }] = useDisclosure();
  const approve = api.useMutation('post', '/reports/{id}/approve', { onSuccess: () => say(t('report.approvedone')) });
  return (
    <Card>
      <Group justify="space-between" gap="sm">
        <div style={{ minWidth: 0 }}>
          <Link href={`/reports/${r.id}`} className="rowlink">
            <Text fw={600} component="span">
              {r.title}
            </Text>
          </Link>
          <Text size="sm" c="dimmed">
            {[r.series, r.duration_ms && length(r.duration_ms)].filter(Boolean).join(' · ')}
          </Text>
          <By name={r.author.name} at={r.created} />
        </div>
        <Group gap="xs">
          <Button variant="default" leftSection={<IconHeadphones size={18} />} onClick={toggle} aria-expanded={open}>
            {t('approvals.listen')}
          </Button>
        </Group>
      </Group>
      <Collapse expanded={open}>
        {open && (
          <Stack mt="md">
            <Suspense fallback={<Rows n={2} />}>
              <Player report={r.id} duration={r.duration_ms ?? 0} title={r.title} />
            </Suspense>
            <Trouble error={approve.error} />
            {me.may.includes('approve') ? (
              <Group justify="space-between">
                <Text size="sm" c="dimmed">
                  {r.author.id === me.id ? t('report.own') : t('report.approvehint')}
                </Text>
                <Button variant={r.author.id === me.id ? 'default' : 'filled'} leftSection={<IconCheck size={18} />} loading={approve.isPending} onClick={() => approve.mutate({ params: { path: { id: r.id }, header: { 'If-Match': `"${r.version}"` } } })}>
                  {t('report.approve')}
                </Button>
              </Group>
            ) : (
              <Text size="sm" c="dimmed">
                {t('approvals.may')}
              </Text>
            )}
          </Stack>
        )}
      </Collapse>
    </Card>
  );
}

function BroadcastCard({ b, open }: { b: Broadcast; open: () => void }) {
  const { t } = useTranslation();
  return (
    <Card>
      <Group justify="space-between" gap="sm">
        <div>
          <Text fw={600}>{b.title}</Text>
          <By name={b.editor.name} at={b.updated} />
        </div>
        <Button variant="default" onClick={open}>
          {t('approvals.view')}
        </Button>
      </Group>
    </Card>
  );
}
