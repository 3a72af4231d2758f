import { Badge, Button, Card, FileButton, Group, Stack, Text, Title } from '@mantine/core';
import { IconHeadphones, IconScissors, IconUpload } from '@tabler/icons-react';
import { lazy, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, type Report, type Schemas } from '../api/client';
import { uploads } from '../api/upload';
import { Player } from '../parts/player';
import { Rows, Trouble } from '../parts/states';
import { length, useClock } from '../time';
import { UploadTray } from './uploads';

const Trim = lazy(() => import('./trim'));

/** Every audio the report had and has; what may be cut, and a new upload for the same report. */
export default function Versions({ r, may }: { r: Report; may: boolean }) {
  const { t } = useTranslation();
  const { data, error, refetch } = api.useQuery('get', '/reports/{id}/versions', { params: { path: { id: r.id } } });
  const changes = may && r.kind === 'report' && r.state !== 'withdrawn' && r.state !== 'processing';
  const busy = !!r.pending && !r.pending.error;
  return (
    <Card component="section" aria-label={t('versions.title')}>
      <Group justify="space-between" mb="xs">
        <Title order={2}>{t('versions.title')}</Title>
        {changes && (
          <FileButton accept="audio/*,video/*,.opus,.wma" onChange={(file) => file && uploads.add([{ file, fields: { report: r.id, title: r.title } }])}>
            {(props) => (
              <Button variant="default" size="xs" leftSection={<IconUpload size={16} />} disabled={busy} {...props}>
                {t('versions.upload')}
              </Button>
            )}
          </FileButton>
        )}
      </Group>
      {changes && (
        <Text size="sm" c="dimmed" mb="xs">
          {t('versions.hint')}
        </Text>
      )}
      <UploadTray report={r.id} />
      {!data ? (
        error ? <Trouble error={error} again={() => void refetch()} /> : <Rows n={1} />
      ) : (
        <Stack gap="sm">{data.items?.map((v) => <One key={v.n} r={r} v={v} cut={changes && !busy} />)}</Stack>
      )}
    </Card>
  );
}

function One({ r, v, cut }: { r: Report; v: Schemas['Version']; cut: boolean }) {
  const { t } = useTranslation();
  const clock = useClock();
  const [open, setOpen] = useState(false);
  const [cutting, setCutting] = useState(false);
  const now = !v.replaced;
  return (
    <div role="group" aria-label={t('versions.n', { n: v.n })}>
      <Group justify="space-between" gap="xs">
        <div>
          <Group gap="xs">
            <Text fw={600} size="sm">
              {t('versions.n', { n: v.n })}
            </Text>
            {now && <Badge color="loa">{t('versions.now')}</Badge>}
            <Text size="sm" c="dimmed">
              {t(`versions.how.${v.how as 'upload'}`)}, {v.duration_ms ? length(v.duration_ms) : '–'}
            </Text>
          </Group>
          <Text size="xs" c="dimmed">
            {t('common.by', { name: v.by.name, at: clock.both(v.at) })}
            {'. '}
            {v.approved ? t('versions.approved', { name: v.approved.by.name, at: clock.both(v.approved.at) }) : t('versions.unapproved')}
            {v.replaced && ` ${t('versions.replaced', { at: clock.both(v.replaced) })}`}
          </Text>
        </div>
        <Group gap="xs">
          {!now && (
            <Button size="compact-sm" variant="default" leftSection={<IconHeadphones size={14} />} aria-expanded={open} onClick={() => setOpen(!open)}>
              {t('versions.listen')}
            </Button>
          )}
          {cut && (
            <Button size="compact-sm" variant="default" leftSection={<IconScissors size={14} />} onClick={() => setCutting(true)}>
              {t(now ? 'trim.open' : 'trim.openold')}
            </Button>
          )}
        </Group>
      </Group>
      {open && <Player report={r.id} version={v.n} duration={v.duration_ms ?? 0} title={t('versions.n', { n: v.n })} />}
      {cutting && (
        <Suspense>
          <Trim r={r} version={v.n} duration={v.duration_ms ?? 0} close={() => setCutting(false)} />
        </Suspense>
      )}
    </div>
  );
}
