import { Badge, Button, Card, Group, Stack, Text, Title } from '@mantine/core';
import { IconClockEdit, IconMoodEmpty, IconPlayerSkipForward } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Schemas } from '../api/client';
import { daypartName } from '../parts/dayparts';
import { Empty } from '../parts/states';
import { useClock } from '../time';
import type { Desk, Slot } from './commune';
import type { Action } from './commune-act';

/** A day's list: class, source, what became of each and why, and what the commune may do about it. */
export function Programme({ slots, now, act }: { slots: Slot[]; now: number; act?: (a: Action) => void }) {
  const { t } = useTranslation();
  if (slots.length === 0) {
    return (
      <Card>
        <Empty icon={<IconMoodEmpty size={40} stroke={1.3} />} title={t('commune.empty')} hint={t('commune.emptyhint')} />
      </Card>
    );
  }
  return (
    <Stack gap="xs">
      {slots.map((s) => (
        <One key={s.slot} s={s} now={now} act={act} />
      ))}
    </Stack>
  );
}

function One({ s, now, act }: { s: Slot; now: number; act?: (a: Action) => void }) {
  const { t } = useTranslation();
  const clock = useClock();
  const over = s.state === 'done' || Date.parse(s.end) <= now;
  const state = s.outcome ?? (s.state === 'playing' ? 'playing' : over ? 'unknown' : 'planned');
  const reason = s.reason ? t(`reason.${s.reason as 'late'}`, { defaultValue: s.reason }) : '';
  const colour = { played: 'loa', cut: 'yellow', skipped: 'red', playing: 'green', planned: 'gray', unknown: 'gray' }[state as string];
  return (
    <Card padding="sm" component="article" aria-label={s.title}>
      <Group justify="space-between" gap="xs" wrap="nowrap" align="flex-start">
        <Text fw={600} style={{ overflowWrap: 'anywhere' }}>
          {clock.range(s.start, s.end)} · {s.title}
        </Text>
        <Badge color={colour} style={{ flexShrink: 0 }}>
          {t(`commune.state.${state as 'played'}`)}
        </Badge>
      </Group>
      <Text size="sm" c="dimmed">
        {[t(`class.${s.class as 'normal'}`), s.owner && t(`commune.owner.${s.owner as 'hub'}`), s.daypart && daypartName(t, s.daypart), reason].filter(Boolean).join(' · ')}
      </Text>
      {act && s.may_skip && !over && (
        <Group gap="xs" mt={8} grow>
          <Button variant="default" size="sm" leftSection={<IconPlayerSkipForward size={18} />} onClick={() => act({ kind: 'skip', slot: s })}>
            {t('commune.do.skip')}
          </Button>
          {s.may_move && (
            <Button variant="default" size="sm" leftSection={<IconClockEdit size={18} />} onClick={() => act({ kind: 'move', slot: s })}>
              {t('commune.do.move')}
            </Button>
          )}
        </Group>
      )}
    </Card>
  );
}

type Decision = Schemas['DecisionView'];

/** Whether the PC has what was decided from afar. */
function Delivery({ d, desk }: { d: Decision; desk: Desk }) {
  const { t } = useTranslation();
  const clock = useClock();
  return (
    <Text size="sm" fw={600} c={d.had_at ? 'var(--mantine-color-green-light-color)' : 'var(--mantine-color-orange-light-color)'}>
      {d.had_at ? t('commune.had', { at: clock.time(d.had_at) }) : desk.online ? t('commune.sending') : desk.last_seen ? t('commune.waiting', { at: clock.time(desk.last_seen) }) : t('commune.waitingever')}
    </Text>
  );
}

/** What was decided last, for as long as somebody may look for it. */
export function Newest({ desk, now }: { desk: Desk; now: number }) {
  const { t } = useTranslation();
  const clock = useClock();
  const d = desk.decisions[0];
  if (!d || !d.holds || d.source !== 'hub' || now - Date.parse(d.when) > 15 * 60_000) return null;
  return (
    <Group gap={6} role="status">
      <Text size="sm">{t(`commune.kind.${d.kind as 'hold'}`, { n: d.percent, at: d.to ? clock.time(d.to) : '' })}:</Text>
      <Delivery d={d} desk={desk} />
    </Group>
  );
}

/** What was decided at the PC and from a phone: one list. */
export function Decided({ desk }: { desk: Desk }) {
  const { t } = useTranslation();
  return (
    <section>
      <Title order={2} mb="xs">
        {t('commune.decided')}
      </Title>
      {desk.decisions.length === 0 ? (
        <Text c="dimmed">{t('commune.nothingdecided')}</Text>
      ) : (
        <Stack gap="xs" component="ul" m={0} p={0} style={{ listStyle: 'none' }} aria-live="polite">
          {desk.decisions.map((d) => (
            <Line key={d.id} d={d} desk={desk} />
          ))}
        </Stack>
      )}
    </section>
  );
}

function Line({ d, desk }: { d: Decision; desk: Desk }) {
  const { t } = useTranslation();
  const clock = useClock();
  const own = desk.decisions.find((o) => o.own && (o.subject === d.subject || `${o.subject}#0` === d.subject))?.own; // what the PC alone has is in no programme of the hub
  const about = own?.title ?? desk.today.concat(desk.tomorrow).find((s) => s.slot === d.subject)?.title;
  const what = [
    t(`commune.kind.${d.kind as 'hold'}`, { n: d.percent, at: d.to ? clock.time(d.to) : '' }),
    about && `«${about}»`,
    d.until && t('commune.until', { at: clock.time(d.until) }),
  ];
  const today = clock.iso(d.when) === clock.iso(desk.at);
  return (
    <Card component="li" padding="sm" bg={d.holds ? undefined : 'transparent'}>
      <Text fw={d.holds ? 600 : 400} style={{ overflowWrap: 'anywhere' }}>
        {what.filter(Boolean).join(' ')}
      </Text>
      {d.reason && <Text size="sm">{d.reason}</Text>}
      <Text size="sm" c="dimmed">
        {today ? clock.time(d.when) : clock.both(d.when)} · {d.source === 'pc' ? t('commune.bypc', { who: d.who }) : t('commune.byhub', { who: d.who })}
      </Text>
      {!d.holds ? (
        <Text size="sm" c="dimmed">
          {t('commune.over')}
        </Text>
      ) : (
        d.source === 'hub' && <Delivery d={d} desk={desk} />
      )}
    </Card>
  );
}
