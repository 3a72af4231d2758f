import { Alert, Group, List, Stack, Text, Title } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { api, type Schemas } from '../api/client';
import { useClock, written } from '../time';

type Preview = Schemas['Preview'];
type Conflict = Schemas['Conflict'];

/** Conflicts that differ in the day alone, told once. */
function alike(list: Conflict[]): { c: Conflict; n: number }[] {
  const byKey = new Map<string, { c: Conflict; n: number }>();
  for (const c of list) {
    const key = [c.kind, c.reason, c.report, c.winner, c.loser].join(' ');
    const have = byKey.get(key);
    if (have) have.n++;
    else byKey.set(key, { c, n: 1 });
  }
  return [...byKey.values()];
}

/** What will become of a broadcast: its next ten times, and what is in the way. */
export function Foreseen({ p, own }: { p: Preview; own: string }) {
  const { t } = useTranslation();
  const clock = useClock();
  const told = useMemo(() => alike(p.conflicts ?? []), [p]);
  const when = (key: string | undefined) => {
    if (!key) return '';
    const [day, daypart] = key.split('/');
    return daypart ? written(day ?? '') : clock.both(key);
  };
  return (
    <Stack gap="sm">
      <div>
        <Title order={3}>{t('form.next')}</Title>
        <List size="sm" spacing={2} mt={4}>
          {(p.occurrences ?? []).slice(0, 10).map((o, i) => (
            <List.Item key={`${o.key}-${i}`}>
              {o.start ? (
                <>
                  {clock.day(o.start)} <b>{o.end ? clock.range(o.start, o.end) : clock.time(o.start)}</b>
                </>
              ) : (
                <>
                  {when(o.key)}: {t('form.notatall')}
                </>
              )}{' '}
              <Text span c="dimmed" size="sm">
                {t('common.clusters', { n: o.agents?.length ?? 0 })}
              </Text>
            </List.Item>
          ))}
        </List>
      </div>
      {told.length === 0 ? (
        <Group gap={6}>
          <IconCircleCheck size={18} color="var(--mantine-color-green-7)" aria-hidden />
          <Text size="sm">{t('form.noconflicts')}</Text>
        </Group>
      ) : (
        <Alert color="yellow" icon={<IconAlertTriangle size={20} />} title={t('form.conflicts')}>
          <List size="sm" spacing={4}>
            {told.map(({ c, n }, i) => (
              <List.Item key={i}>
                {t(`form.conflict.${c.kind as 'skipped'}`, { title: c.title, n: c.agents?.length ?? 0, reason: c.reason ? t(`reason.${c.reason as 'late'}`, { defaultValue: c.reason }) : '' })}{' '}
                {c.winner && c.winner !== own && c.winner !== 'draft' && <Winner id={c.winner} />}
                {c.occurrence && <Text span size="sm">{n > 1 ? t('form.conflict.times', { n, when: when(c.occurrence) }) : t('form.conflict.at', { n: c.agents?.length ?? 0, when: when(c.occurrence) })}</Text>}
              </List.Item>
            ))}
          </List>
        </Alert>
      )}
    </Stack>
  );
}

function Winner({ id }: { id: string }) {
  const { t } = useTranslation();
  const { data } = api.useQuery('get', '/broadcasts/{id}', { params: { path: { id } } });
  return data ? <>{t('form.conflict.winner', { title: data.title })} </> : null;
}
