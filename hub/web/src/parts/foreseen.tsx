import { Alert, Button, Group, List, Stack, Text, Title } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck } from '@tabler/icons-react';
import type { TFunction } from 'i18next';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, type Schemas } from '../api/client';
import '../i18n/plan';
import { useClock, written } from '../time';
import { useAgents, useAreaNames } from './areas';
import { daypartName } from './dayparts';

type Preview = Schemas['Preview'];
type Conflict = Schemas['Conflict'];

const keyOf = (c: Conflict) => [c.kind, c.reason, c.report, c.winner, c.loser, c.heard].join(' ');

/** Conflicts that differ in the day alone, told once. */
function alike(list: Conflict[]): { c: Conflict; n: number }[] {
  const byKey = new Map<string, { c: Conflict; n: number }>();
  for (const c of list) {
    const key = keyOf(c);
    const have = byKey.get(key);
    if (have) {
      have.n++;
      if ((c.over_ms ?? 0) > (have.c.over_ms ?? 0)) have.c = c; // told is the worst of them
    } else byKey.set(key, { c, n: 1 });
  }
  return [...byKey.values()];
}

/** What will become of a broadcast: its next ten times, and what is in the way. */
export function Foreseen({ p, own, fix }: { p: Preview; own: string; fix?: Fix }) {
  const { t } = useTranslation();
  const clock = useClock();
  const told = useMemo(() => alike(p.conflicts ?? []), [p]);
  const when = (key: string | undefined) => {
    if (!key) return '';
    const [day, daypart] = key.split('/');
    return daypart ? `${daypartName(t, daypart)}, ${written(day ?? '')}` : clock.both(key);
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
          <List size="sm" spacing="xs">
            {told.map(({ c, n }) => (
              <One key={keyOf(c)} c={c} n={n} own={own} when={when} fix={fix} />
            ))}
          </List>
        </Alert>
      )}
    </Stack>
  );
}

/** What a form can do about a conflict; what it cannot in this case is undefined. */
export type Fix = { move?: (c: Conflict) => { to: string; go: () => void } | undefined; shorten?: (c: Conflict) => (() => void) | undefined };

function One({ c, n, own, when, fix }: { c: Conflict; n: number; own: string; when: (key: string | undefined) => string; fix?: Fix }) {
  const { t } = useTranslation();
  const [left, setLeft] = useState(false);
  const areas = useAreasOf(c.agents ?? []);
  const move = fix?.move?.(c);
  const shorten = fix?.shorten?.(c);
  const reason = c.reason ? t(`reason.${c.reason as 'late'}`, { defaultValue: c.reason }) : '';
  if (c.kind === 'rerun')
    return (
      <List.Item>{t('plan:rerun', { title: c.title, n: areas.length, day: written(c.heard ?? ''), areas: areas.length > 6 ? t('plan:andmore', { areas: areas.slice(0, 5).join(', '), n: areas.length - 5 }) : areas.join(', ') })}</List.Item>
    );
  return (
    <List.Item c={left ? 'dimmed' : undefined}>
      {t(`form.conflict.${c.kind as 'skipped'}`, { title: c.title, n: c.agents?.length ?? 0, reason })} {c.winner && c.winner !== own && c.winner !== 'draft' && <Winner id={c.winner} />}
      {(c.over_ms ?? 0) > 0 && <b>{t('plan:over', { t: span(t, c.over_ms ?? 0) })} </b>}
      {c.reason === 'daypart_full' && !c.over_ms && <>{t('plan:nogap')} </>}
      {c.bound && (c.over_ms || c.limit) ? <>{t(`plan:bound.${c.bound as 'window'}`, { n: c.limit })} </> : null}
      {c.occurrence && <Text span size="sm">{n > 1 ? t('form.conflict.times', { n, when: when(c.occurrence) }) : t('form.conflict.at', { n: c.agents?.length ?? 0, when: when(c.occurrence) })}</Text>}
      {areas.length > 0 && <Text span size="sm"> ({areas.length > 4 ? t('plan:andmore', { areas: areas.slice(0, 3).join(', '), n: areas.length - 3 }) : areas.join(', ')})</Text>}
      {fix && (
        <Group gap={6} mt={4}>
          {left ? (
            <Text size="sm">{t('plan:kept')}</Text>
          ) : (
            <>
              {move && (
                <Button size="compact-sm" variant="default" onClick={move.go}>
                  {t('plan:move', { to: move.to })}
                </Button>
              )}
              {shorten && (
                <Button size="compact-sm" variant="default" onClick={shorten}>
                  {t('plan:shorten')}
                </Button>
              )}
            </>
          )}
          <Button size="compact-sm" variant="subtle" onClick={() => setLeft(!left)}>
            {t(left ? 'plan:unlet' : 'plan:let')}
          </Button>
        </Group>
      )}
    </List.Item>
  );
}

/** The areas of some agents, by name, each once. */
function useAreasOf(ids: string[]): string[] {
  const agents = useAgents();
  const area = useAreaNames();
  return useMemo(() => {
    const wanted = new Set(ids);
    return [...new Set((agents ?? []).filter((a) => wanted.has(a.id)).map((a) => area(a.area)))].sort((a, b) => a.localeCompare(b, 'vi'));
  }, [ids, agents, area]);
}

/** 3 minutes 12 seconds */
export function span(t: TFunction, ms: number): string {
  const s = Math.ceil(ms / 1000);
  return s < 60 ? t('plan:seconds', { s }) : t('plan:clock', { m: Math.floor(s / 60), s: s % 60 });
}

function Winner({ id }: { id: string }) {
  const { t } = useTranslation();
  const { data } = api.useQuery('get', '/broadcasts/{id}', { params: { path: { id } } });
  return data ? <>{t('form.conflict.winner', { title: data.title })} </> : null;
}
