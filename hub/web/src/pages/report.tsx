import { Alert, Anchor, Button, Card, Grid, Group, List, Modal, Stack, Table, Text, Textarea, Title } from '@mantine/core';
import { IconAlertTriangle, IconArrowLeft, IconCalendarPlus, IconCheck, IconPencil, IconPlaylist, IconTrash } from '@tabler/icons-react';
import { lazy, Suspense, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import { api, type Report } from '../api/client';
import { useMe } from '../api/session';
import { useAreaNames } from '../parts/areas';
import { Returned } from '../parts/back';
import { State } from '../parts/badges';
import { useLanguages } from '../parts/languages';
import { Cited, LawTrouble } from '../parts/laws';
import { say } from '../parts/notify';
import { Page } from '../parts/page';
import { Player } from '../parts/player';
import { Stages } from '../parts/stages';
import { Rows, Trouble } from '../parts/states';
import { length, number, useClock, written } from '../time';

const Versions = lazy(() => import('./versions'));
const Edit = lazy(() => import('./words'));

export default function ReportPage({ id }: { id: string }) {
  const { t } = useTranslation();
  const me = useMe();
  const { data: r, error, refetch } = api.useQuery('get', '/reports/{id}', { params: { path: { id } } });
  const approve = api.useMutation('post', '/reports/{id}/approve', { onSuccess: () => say(t('report.approvedone')) });
  const [withdrawing, setWithdrawing] = useState(false);
  const [editing, setEditing] = useState(false);
  if (!r) return <Page title={t('library.title')}>{error ? <Trouble error={error} again={() => void refetch()} /> : <Rows />}</Page>;
  const heard = r.state !== 'processing' && r.state !== 'failed' && !!r.sha256;
  return (
    <Page
      title={r.title}
      lead={
        <Group gap="xs">
          <Anchor component={Link} href="/" size="sm">
            <Group gap={4} component="span">
              <IconArrowLeft size={14} />
              {t('report.back')}
            </Group>
          </Anchor>
          <State of="report" is={r.state} />
          {r.series && <span>{r.series}</span>}
        </Group>
      }
      actions={
        <>
          {r.state === 'approved' && me.may.includes('author') && (
            <Button component={Link} href={`/calendar?report=${r.id}`} variant="default" leftSection={<IconCalendarPlus size={18} />}>
              {t('report.schedule')}
            </Button>
          )}
          {r.state === 'draft' && !r.stale && me.may.includes('approve') && (
            <Button variant={r.author.id === me.id ? 'default' : 'filled'} leftSection={<IconCheck size={18} />} loading={approve.isPending} onClick={() => approve.mutate({ params: { path: { id }, header: { 'If-Match': `"${r.version}"` } } })}>
              {t('report.approve')}
            </Button>
          )}
          {r.kind === 'programme' && r.state !== 'withdrawn' && me.may.includes('author') && (
            <Button component={Link} href={`/programmes/${id}`} variant={r.stale ? 'filled' : 'default'} leftSection={<IconPlaylist size={18} />}>
              {t(r.stale ? 'programme.again' : 'programme.change')}
            </Button>
          )}
          {r.state !== 'withdrawn' && me.may.includes('author') && (
            <Button variant="default" leftSection={<IconPencil size={18} />} onClick={() => setEditing(true)}>
              {t('edit.open')}
            </Button>
          )}
          {(r.state === 'draft' || r.state === 'approved') && me.may.includes('withdraw') && (
            <Button variant="light" color="red" leftSection={<IconTrash size={18} />} onClick={() => setWithdrawing(true)}>
              {t('report.withdraw')}
            </Button>
          )}
        </>
      }
    >
      <Trouble error={approve.error} />
      <Returned r={r.returned} again={r.author.id === me.id || r.editor?.id === me.id ? { of: 'reports', id: r.id, version: r.version } : undefined} />
      {r.state === 'draft' && r.author.id === me.id && <Alert color="blue">{t('report.own')}</Alert>}
      {r.state === 'processing' && <Stages stage={r.stage ?? ''} progress={r.progress} />}
      {r.stale && (
        <Alert color="red" icon={<IconAlertTriangle size={20} />}>
          {t(`programme.stale.${r.stale.code as 'PART_WITHDRAWN'}`, { title: r.stale.title })}
        </Alert>
      )}
      {r.pending && <Coming p={r.pending} />}
      {r.state === 'failed' && (
        <Alert color="red" icon={<IconAlertTriangle size={20} />} title={t('report.failed')}>
          <FailedWords r={r} />
        </Alert>
      )}
      {r.withdrawn && <Withdrawn r={r} />}
      {!r.withdrawn && <LawTrouble laws={r.laws ?? []} />}
      <Grid gap="md">
        {heard && (
          <Grid.Col span={{ base: 12, md: 7 }}>
            <Card>
              <Player report={r.id} duration={r.duration_ms ?? 0} title={r.title} />
              <Level r={r} />
            </Card>
          </Grid.Col>
        )}
        <Grid.Col span={{ base: 12, md: heard ? 5 : 12 }}>
          <Card>
            <Title order={2} mb="xs">
              {t('report.about')}
            </Title>
            <About r={r} />
          </Card>
        </Grid.Col>
      </Grid>
      {r.kind === 'programme' && <Parts r={r} />}
      {heard && (
        <Suspense>
          <Versions r={r} may={me.may.includes('author')} />
        </Suspense>
      )}
      {editing && (
        <Suspense>
          <Edit r={r} close={() => setEditing(false)} />
        </Suspense>
      )}
      {withdrawing && <Withdraw id={id} close={() => setWithdrawing(false)} />}
    </Page>
  );
}

function FailedWords({ r }: { r: Report }) {
  const { i18n } = useTranslation();
  return <Text>{i18n.language === 'en' ? r.error?.en : r.error?.vi}</Text>;
}

/** The next audio while it is made, or why there is none. */
function Coming({ p }: { p: NonNullable<Report['pending']> }) {
  const { t, i18n } = useTranslation();
  if (!p.error) return <Stages stage={p.stage ?? ''} progress={p.progress} title={t('versions.making', { how: t(`versions.how.${p.how as 'upload'}`) })} />;
  return (
    <Alert color="red" icon={<IconAlertTriangle size={20} />} title={t('versions.failed')}>
      {i18n.language === 'en' ? p.error.en : p.error.vi}
    </Alert>
  );
}

/** What a programme is of, and where each part begins. */
function Parts({ r }: { r: Report }) {
  const { t } = useTranslation();
  return (
    <Card component="section" aria-label={t('programme.parts')}>
      <Title order={2} mb="xs">
        {t('programme.parts')}
      </Title>
      <List type="ordered" size="sm" spacing={4}>
        {r.parts?.map((p, i) => (
          <List.Item key={i}>
            <Anchor component={Link} href={`/reports/${p.report}`} size="sm" underline="always">
              {p.title}
            </Anchor>{' '}
            {p.role !== 'item' && `(${t(`programme.${p.role as 'opening'}`)}) `}
            <Text span c="dimmed" size="sm">
              {t('programme.at', { at: length(p.at_ms), length: length(p.duration_ms) })}
            </Text>
          </List.Item>
        ))}
      </List>
    </Card>
  );
}

/** Programmes that a withdrawal blocks. */
function Holders({ id }: { id: string }) {
  const { t } = useTranslation();
  const { data } = api.useQuery('get', '/reports/{id}/programmes', { params: { path: { id } } });
  if (!data?.items?.length) return null;
  return <Alert color="yellow">{t('programme.blocks', { titles: data.items.map((p) => p.title).join(', ') })}</Alert>;
}

function Withdrawn({ r }: { r: Report }) {
  const { t } = useTranslation();
  const clock = useClock();
  if (!r.withdrawn) return null;
  return (
    <Alert color="gray" icon={<IconTrash size={20} />}>
      {t('report.withdrawn', { at: clock.both(r.withdrawn.at), name: r.withdrawn.by.name, reason: r.withdrawn.reason })}
      <Reach id={r.id} />
    </Alert>
  );
}

/** Level and clipping in plain words; the numbers are beside them for those who want them. */
function Level({ r }: { r: Report }) {
  const { t } = useTranslation();
  const lufs = r.loudness_lufs ?? 0;
  const good = Math.abs(lufs + 18) <= 0.5;
  const gain = r.making?.gain_db ?? 0;
  const trimmed = (r.making?.trim_start_ms ?? 0) + (r.making?.trim_end_ms ?? 0) >= 500;
  const warnings = r.warnings ?? [];
  const serious = warnings.filter((w) => w.startsWith('SOURCE') || w.startsWith('PHASE'));
  return (
    <Stack gap={6} mt="md">
      <Title order={2}>{t('report.level')}</Title>
      {warnings.map((w) => (
        <Alert key={w} color="yellow" icon={<IconAlertTriangle size={18} />} p="xs">
          {t(`report.warn.${w as 'SOURCE_CLIPPED'}`)}
        </Alert>
      ))}
      <List size="sm" spacing={4}>
        <List.Item>{good ? t('report.good', { lufs: number(lufs, 1), peak: number(r.true_peak_dbtp ?? 0, 1) }) : t('report.off', { lufs: number(lufs, 1) })}</List.Item>
        {r.kind === 'report' && Math.abs(gain) >= 1 && <List.Item>{t(gain > 0 ? 'report.gainup' : 'report.gaindown', { db: number(Math.abs(gain), 1) })}</List.Item>}
        {r.kind === 'report' && trimmed && <List.Item>{t(r.made.how === 'trim' ? 'report.cut' : 'report.trim', { start: number((r.making?.trim_start_ms ?? 0) / 1000, 1), end: number((r.making?.trim_end_ms ?? 0) / 1000, 1) })}</List.Item>}
        {serious.length === 0 && <List.Item>{t('report.noclip')}</List.Item>}
      </List>
      <Reach id={r.id} />
    </Stack>
  );
}

function Reach({ id }: { id: string }) {
  const { t } = useTranslation();
  const { data } = api.useQuery('get', '/reports/{id}/reach', { params: { path: { id } } });
  if (!data) return null;
  return <Text size="sm">{data.heard ? t('report.reach', { ...data }) : t('report.reachnone', { ...data })}</Text>;
}

function About({ r }: { r: Report }) {
  const { t } = useTranslation();
  const clock = useClock();
  const area = useAreaNames();
  const language = useLanguages();
  const valid = [r.valid_from && t('report.validfrom', { at: clock.date(r.valid_from) }), r.valid_until && t('report.validuntil', { at: clock.date(r.valid_until) })].filter(Boolean).join(' ');
  const size = (r.size ?? 0) < 1e6 ? t('report.kb', { n: number((r.size ?? 0) / 1000) }) : t('report.mb', { n: number((r.size ?? 0) / 1e6, 1) });
  const rows: [string, ReactNode][] = [
    [t('report.series'), r.series],
    [t('upload.source'), r.source],
    [t('upload.air_date'), r.air_date && written(r.air_date)],
    [t('report.language'), r.language && language.name(r.language)],
    [t('upload.speaker'), r.speaker],
    [t('upload.rights'), r.rights],
    [t('upload.law_fields'), r.law_fields?.join(', ')],
    [t('law.cited'), r.laws?.length ? <Cited laws={r.laws} /> : undefined],
    [t('report.valid'), valid || t('report.always')],
    [t('common.area'), r.area ? area(r.area) : t('common.everywhere')],
    [t('report.length'), r.duration_ms ? length(r.duration_ms) : undefined],
    [t('report.size'), r.size ? size : undefined],
    [t('report.file'), r.source_name],
    [t('report.author'), t('common.by', { name: r.author.name, at: clock.both(r.created) })],
    [t('edit.editor'), r.editor && t('common.by', { name: r.editor.name, at: clock.both(r.updated) })],
    [t('report.approved'), r.approved && t('common.by', { name: r.approved.by.name, at: clock.both(r.approved.at) })],
  ];
  return (
    <Table variant="vertical" withRowBorders={false} verticalSpacing={6} layout="fixed" highlightOnHover={false}>
      <Table.Tbody>
        {rows.map(
          ([name, value]) =>
            value && (
              <Table.Tr key={name}>
                <Table.Th w={130} bg="transparent" fw={400} c="dimmed">
                  {name}
                </Table.Th>
                <Table.Td style={{ overflowWrap: 'anywhere' }}>{value}</Table.Td>
              </Table.Tr>
            ),
        )}
      </Table.Tbody>
    </Table>
  );
}

function Withdraw({ id, close }: { id: string; close: () => void }) {
  const { t } = useTranslation();
  const [reason, setReason] = useState('');
  const withdraw = api.useMutation('post', '/reports/{id}/withdraw', {
    onSuccess: () => {
      say(t('report.withdrawdone'));
      close();
    },
  });
  return (
    <Modal opened onClose={close} title={t('report.withdrawtitle')} centered closeButtonProps={{ 'aria-label': t('common.close') }}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          withdraw.mutate({ params: { path: { id } }, body: { reason } });
        }}
      >
        <Stack>
          <Trouble error={withdraw.error} />
          <Text>{t('report.withdrawhint')}</Text>
          <Reach id={id} />
          <Holders id={id} />
          <Textarea label={t('report.reason')} description={t('report.reasonhint')} value={reason} onChange={(e) => setReason(e.currentTarget.value)} required withAsterisk={false} maxLength={500} autosize minRows={2} data-autofocus />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t('common.cancel')}
            </Button>
            <Button type="submit" color="red.8" loading={withdraw.isPending}>
              {t('report.withdraw')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
