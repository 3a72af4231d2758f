import { Badge, Button, Card, Collapse, Grid, Group, Stack, Text, Title } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconCheck, IconChecks, IconHeadphones } from '@tabler/icons-react';
import { lazy, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import { api, http, type Broadcast, type Report, type Schemas } from '../api/client';
import { useList } from '../api/list';
import { useMe } from '../api/session';
import '../i18n/plan';
import { Returned, SendBack } from '../parts/back';
import { ReportChanges } from '../parts/changes';
import { say } from '../parts/notify';
import { OwnItems } from '../parts/ownitems';
import { Page } from '../parts/page';
import { Empty, Rows, Trouble } from '../parts/states';
import { length, useClock } from '../time';
import { Show } from './show';

const Player = lazy(() => import('../parts/player').then((m) => ({ default: m.Player })));

export default function Approvals() {
  const { t } = useTranslation();
  const query = { params: { query: { state: 'draft' as const, limit: 50 } } };
  const waiting = { state: 'draft' as const, returned: 'no' as const, limit: 50 };
  const back = { params: { query: { state: 'draft' as const, returned: 'yes' as const, limit: 50 } } };
  const reports = useList('/reports', waiting, (cursor, signal) => http.GET('/reports', { params: { query: { ...waiting, cursor } }, signal }));
  const broadcasts = useList('/broadcasts', waiting, (cursor, signal) => http.GET('/broadcasts', { params: { query: { ...waiting, cursor } }, signal }));
  const reportsBack = api.useQuery('get', '/reports', back);
  const broadcastsBack = api.useQuery('get', '/broadcasts', back);
  const urgent = api.useQuery('get', '/urgent', query);
  const own = api.useQuery('get', '/own-items');
  const [shown, setShown] = useState<string>();
  const error = reports.error ?? broadcasts.error ?? urgent.error ?? own.error ?? reportsBack.error ?? broadcastsBack.error;
  const pending = reports.isPending || broadcasts.isPending || urgent.isPending || own.isPending;
  const none = !pending && !error && reports.items.length + broadcasts.items.length + (urgent.data?.items.length ?? 0) + (own.data?.items.length ?? 0) === 0;
  return (
    <Page title={t('approvals.title')}>
      <Trouble error={error} again={() => void Promise.all([reports, broadcasts, urgent, own, reportsBack, broadcastsBack].map((q) => q.refetch()))} />
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
      <Section title={t('plan:own.title')} n={own.data?.items.length}>
        <OwnItems items={own.data?.items ?? []} />
      </Section>
      <Section title={t('approvals.reports')} n={reports.items.length}>
        {reports.items.map((r) => (
          <ReportCard key={r.id} r={r} />
        ))}
        <More list={reports} />
      </Section>
      <Section title={t('approvals.broadcasts')} n={broadcasts.items.length}>
        {broadcasts.items.map((b) => (
          <BroadcastCard key={b.id} b={b} open={() => setShown(b.id)} />
        ))}
        <More list={broadcasts} />
      </Section>
      <Section title={t('plan:back.list')} n={(reportsBack.data?.items.length ?? 0) + (broadcastsBack.data?.items.length ?? 0)}>
        {reportsBack.data?.items.map((r) => (
          <Back key={r.id} of="reports" it={r} by={r.editor ?? r.author} href={`/reports/${r.id}`} />
        ))}
        {broadcastsBack.data?.items.map((b) => (
          <Back key={b.id} of="broadcasts" it={b} by={b.editor} open={() => setShown(b.id)} />
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
            <Grid gap="lg">
              <Grid.Col span={{ base: 12, md: 6 }}>
                <Title order={3} mb={4}>{t('plan:listen')}</Title>
                <Suspense fallback={<Rows n={2} />}>
                  <Player report={r.id} duration={r.duration_ms ?? 0} title={r.title} />
                </Suspense>
              </Grid.Col>
              <Grid.Col span={{ base: 12, md: 6 }}>
                <Title order={3} mb={4}>{t('plan:read')}</Title>
                <About r={r} />
                <ReportChanges r={r} />
              </Grid.Col>
            </Grid>
            <Trouble error={approve.error} />
            {me.may.includes('approve') ? (
              <Group justify="space-between">
                <Text size="sm" c="dimmed">
                  {r.author.id === me.id ? t('report.own') : t('report.approvehint')}
                </Text>
                <Group gap="xs">
                <SendBack what={{ of: 'reports', id: r.id, version: r.version }} />
                <Button variant={r.author.id === me.id ? 'default' : 'filled'} leftSection={<IconCheck size={18} />} loading={approve.isPending} onClick={() => approve.mutate({ params: { path: { id: r.id }, header: { 'If-Match': `"${r.version}"` } } })}>
                  {t('report.approve')}
                </Button>
                </Group>
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

/** What is written about a report, field by field. */
function About({ r }: { r: Report }) {
  const { t } = useTranslation();
  const clock = useClock();
  const rows = [
    [t('plan:field.series'), r.series], [t('plan:field.source'), r.source], [t('plan:field.language'), r.language], [t('plan:field.speaker'), r.speaker], [t('plan:field.rights'), r.rights], [t('plan:field.laws'), r.laws?.map((law) => [law.title, law.number].filter(Boolean).join(' ')).join(', ')], [t('plan:field.law_fields'), r.law_fields?.join(', ')],
    [t('plan:field.valid_from'), r.valid_from && clock.date(r.valid_from)], [t('plan:field.valid_until'), r.valid_until && clock.date(r.valid_until)],
  ].filter(([, v]) => v);
  return (
    <Stack gap={2} mb="sm">
      {rows.map(([name, value]) => (
        <Text key={name} size="sm"><Text span size="sm" c="dimmed">{name}: </Text>{value}</Text>
      ))}
      {(r.warnings ?? []).map((w) => <Text key={w} size="sm">⚠ {t(`report.warn.${w as 'SOURCE_QUIET'}`, { defaultValue: w })}</Text>)}
    </Stack>
  );
}

/** One that its author has back; who wrote it submits it again. */
function Back({ of, it, by, href, open }: { of: 'reports' | 'broadcasts'; it: { id: string; title: string; version: number; author: Schemas['PersonRef']; returned?: Schemas['Return'] }; by: Schemas['PersonRef']; href?: string; open?: () => void }) {
  const { t } = useTranslation();
  const me = useMe();
  return (
    <Card>
      <Group justify="space-between" mb="xs">
        <div>
          <Text fw={600}>{it.title}</Text>
          <Text size="sm" c="dimmed">{by.name}</Text>
        </div>
        {href ? <Button component={Link} href={href} variant="default">{t('approvals.open')}</Button> : <Button variant="default" onClick={open}>{t('approvals.open')}</Button>}
      </Group>
      <Returned r={it.returned} again={it.author.id === me.id || by.id === me.id ? { of, id: it.id, version: it.version } : undefined} />
    </Card>
  );
}

function More({ list }: { list: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown } }) {
  const { t } = useTranslation();
  if (!list.hasNextPage) return null;
  return <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>{t('common.more')}</Button>;
}
