import { ActionIcon, Button, Drawer, Group, Select, SegmentedControl, Slider, Stack, Text, TextInput } from '@mantine/core';
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client';
import { daypartName } from '../parts/dayparts';
import { TimeInput } from '../parts/inputs';
import { Trouble } from '../parts/states';
import { useClock } from '../time';
import type { Desk, Slot } from './commune';

export type Action = { kind: 'mute' | 'unmute' | 'volume' | 'order' } | { kind: 'skip' | 'move'; slot: Slot };

/** What changes the programme, from below, where the thumb is: what, and why. */
export function Act({ desk, action, close }: { desk: Desk; action?: Action; close: () => void }) {
  const { t } = useTranslation();
  return (
    <Drawer opened={!!action} onClose={close} position="bottom" size="auto" title={action && t(`commune.do.${action.kind}`)} closeButtonProps={{ 'aria-label': t('common.close') }} styles={{ title: { fontWeight: 600, fontSize: '1.2rem' }, content: { height: 'auto', maxHeight: '92dvh' } }}>
      {action && <Form desk={desk} action={action} close={close} />}
    </Drawer>
  );
}

const reasons = ['funeral', 'meeting', 'people', 'wrong'] as const;

function Form({ desk, action, close }: { desk: Desk; action: Action; close: () => void }) {
  const { t } = useTranslation();
  const clock = useClock();
  const slot = 'slot' in action ? action.slot : undefined;
  const [reason, setReason] = useState('');
  const [minutes, setMinutes] = useState('30');
  const [time, setTime] = useState(clock.wall(slot?.start ?? new Date(Date.parse(desk.at) + 3_600_000)));
  const [percent, setPercent] = useState(desk.volume_percent);
  const [daypart, setDaypart] = useState(desk.orderables[0]?.occurrence ?? '');
  const programmes = desk.orderables.find((o) => o.occurrence === daypart)?.programmes ?? [];
  const [order, setOrder] = useState<string[]>();
  const keys = order ?? programmes.map((p) => p.key);
  const send = api.useMutation('post', '/agents/{id}/decisions', { onSuccess: close });
  const body = () => {
    switch (action.kind) {
      case 'mute': {
        const at = clock.instant(clock.iso(desk.at), time);
        return { until: minutes === 'at' ? at.toISOString() : new Date(Date.parse(desk.at) + Number(minutes) * 60_000).toISOString() };
      }
      case 'volume':
        return { percent };
      case 'skip':
        return { subject: action.slot.slot };
      case 'move':
        return { subject: action.slot.slot, to: clock.instant(clock.iso(action.slot.start), time).toISOString() };
      case 'order':
        return { subject: daypart, order: keys };
    }
    return {};
  };
  const swap = (i: number, j: number) => {
    const next = [...keys];
    [next[i], next[j]] = [next[j]!, next[i]!];
    setOrder(next);
  };
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault();
        send.mutate({ params: { path: { id: desk.id } }, body: { kind: action.kind, reason, ...body() } });
      }}
    >
      <Stack gap="sm" maw={640} mx="auto" pb="md">
        <Text size="sm">{t(`commune.how.${action.kind}`)}</Text>
        <Trouble error={send.error} />
        {slot && (
          <Text fw={600}>
            {clock.range(slot.start, slot.end)} · {slot.title}
          </Text>
        )}
        {action.kind === 'mute' && (
          <>
            <SegmentedControl
              size="md" fullWidth aria-label={t('commune.howlong')} value={minutes} onChange={setMinutes}
              data={[30, 60, 120].map((m) => ({ value: String(m), label: m < 60 ? t('readiness.min', { m }) : t('commune.h', { n: m / 60 }) })).concat({ value: 'at', label: t('commune.at') })}
            />
            {minutes === 'at' && <TimeInput label={t('commune.untiltime')} value={time} onChange={setTime} required />}
          </>
        )}
        {action.kind === 'move' && <TimeInput label={t('commune.newtime')} value={time} onChange={setTime} required />}
        {action.kind === 'volume' && (
          <div>
            <Text fw={600} fz="xl" ta="center" aria-hidden>
              {percent}%
            </Text>
            <Slider size="xl" min={10} max={Math.max(10, desk.ceiling_percent)} step={5} value={percent} onChange={setPercent} label={null} thumbLabel={t('commune.do.volume')} thumbSize={32} my="xs" />
            <Text size="sm" c="dimmed">
              {t('commune.most', { n: desk.ceiling_percent })}
            </Text>
          </div>
        )}
        {action.kind === 'order' && (
          <>
            {desk.orderables.length > 1 && (
              <Select
                label={t('form.daypartname')} value={daypart} allowDeselect={false} data={desk.orderables.map((o) => ({ value: o.occurrence, label: `${daypartName(t, o.name)}, ${clock.time(o.start)} ${clock.day(o.start)}` }))}
                onChange={(v) => {
                  setDaypart(v ?? '');
                  setOrder(undefined);
                }}
              />
            )}
            {keys.map((key, i) => {
              const p = programmes.find((x) => x.key === key);
              return (
                <Group key={key} wrap="nowrap" justify="space-between" gap="xs">
                  <div style={{ minWidth: 0 }}>
                    <Text fw={600} style={{ overflowWrap: 'anywhere' }}>
                      {i + 1}. {p?.title}
                    </Text>
                    <Text size="sm" c="dimmed">
                      {p && `${t(`class.${p.class as 'normal'}`)} · ${t(`commune.owner.${p.owner as 'hub'}`)}`}
                    </Text>
                  </div>
                  <Group gap={6} wrap="nowrap">
                    <ActionIcon variant="default" size={44} disabled={i === 0} aria-label={t('common.up', { what: p?.title })} onClick={() => swap(i, i - 1)}>
                      <IconArrowUp size={22} />
                    </ActionIcon>
                    <ActionIcon variant="default" size={44} disabled={i === keys.length - 1} aria-label={t('common.down', { what: p?.title })} onClick={() => swap(i, i + 1)}>
                      <IconArrowDown size={22} />
                    </ActionIcon>
                  </Group>
                </Group>
              );
            })}
          </>
        )}
        {action.kind !== 'unmute' && (
          <>
            <Group gap={6}>
              {reasons.map((r) => (
                <Button key={r} variant="default" size="compact-md" h={40} onClick={() => setReason(t(`commune.reasons.${r}`))}>
                  {t(`commune.reasons.${r}`)}
                </Button>
              ))}
            </Group>
            <TextInput size="md" label={t('report.reason')} value={reason} onChange={(e) => setReason(e.currentTarget.value)} required withAsterisk={false} maxLength={500} autoComplete="off" />
          </>
        )}
        <Group grow>
          <Button size="lg" variant="default" onClick={close}>
            {t('common.cancel')}
          </Button>
          <Button size="lg" type="submit" loading={send.isPending}>
            {t(`commune.go.${action.kind}`)}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
