import { Button, Card, Group, NumberInput, Select, Stack, Table, Text, Textarea, TextInput, Title } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Area } from '../api/client';
import { useAdminWords } from '../i18n/admin';
import { weekdayNames } from '../parts/dayparts';
import { Trouble } from '../parts/states';
import { isSpan, Spans } from '../parts/week';
import { useEdit, wayUp } from './areas';

type Policy = Area['policy'];
type Rule = keyof Policy & string;
type Window = NonNullable<Policy['windows']>[number];
type VolumeRule = NonNullable<Policy['volume']>[number];
const rules = ['windows', 'dayparts_per_day', 'minutes_per_daypart', 'volume', 'second_person', 'urgent_volume', 'commune_may_move', 'contact'] as const satisfies readonly Rule[];

/** Each rule with what the area sets itself, what holds after all above have tightened it, and who set something. */
export function Policies({ area, all }: { area: Area; all: Area[] }) {
  const w = useAdminWords().areas;
  const { t } = useTranslation();
  const [editing, setEditing] = useState(false);
  const up = wayUp(area, all);
  const words = (rule: Rule, v: unknown): string => {
    if (v === undefined || v === null) return w.nothing;
    if (rule === 'windows') return joined((v as Window[]).map((x) => `${x.start}–${x.end} ${weekdayNames(t, x.days)}`.trim())) || w.nothing;
    if (rule === 'volume') return (v as VolumeRule[]).map((x) => `${x.start}–${x.end}: ${x.max_percent}%`).join(', ') || w.none;
    if (typeof v === 'boolean') return v ? w.yes : w.no;
    return v === 0 ? w.none : String(v) || w.nothing;
  };
  const set = (a: Area, rule: Rule) => {
    const v = a.policy[rule];
    return v !== undefined && v !== null && !(Array.isArray(v) && v.length === 0);
  };
  return (
    <Card>
      <Group justify="space-between" mb="xs">
        <Title order={3}>{w.policy}</Title>
        {!editing && <Button size="sm" variant="default" onClick={() => setEditing(true)}>{w.editpolicy}</Button>}
      </Group>
      {editing ? (
        <Edit area={area} close={() => setEditing(false)} />
      ) : (
        <Table className="stack" aria-label={w.policy}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{w.rule}</Table.Th>
              <Table.Th>{w.ownvalue}</Table.Th>
              <Table.Th>{w.effective}</Table.Th>
              <Table.Th>{w.decidedby}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rules.map((rule) => (
              <Table.Tr key={rule} data-rule={rule}>
                <Table.Td>{w.rules[rule]}</Table.Td>
                <Table.Td>{set(area, rule) ? words(rule, area.policy[rule]) : w.nothing}</Table.Td>
                <Table.Td>{words(rule, area.rules[rule])}</Table.Td>
                <Table.Td>
                  <Text size="sm" c="dimmed">{up.filter((a) => set(a, rule)).map((a) => a.name).join(', ') || w.default}</Text>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Card>
  );
}

/** Windows of equal hours on several days, told once. */
const joined = (list: string[]) => [...new Set(list)].join(', ');

function Edit({ area, close }: { area: Area; close: () => void }) {
  const w = useAdminWords().areas;
  const [seen] = useState(area); // what somebody else saves meanwhile is not overwritten unseen
  const { change, error, busy } = useEdit(seen, close);
  const [policy, setPolicy] = useState<Policy>(area.policy);
  const [hours, setHours] = useState((area.policy.windows ?? []).map((x) => `${x.start}-${x.end}${x.days && x.days.length > 0 ? ` ${x.days.join(',')}` : ''}`).join('\n'));
  const lines = hours.split('\n').map((l) => l.trim()).filter(Boolean);
  const windows = lines.map((l) => /^(\d\d:\d\d)\s*[-–]\s*(\d\d:\d\d)(?:\s+((?:mon|tue|wed|thu|fri|sat|sun)(?:,(?:mon|tue|wed|thu|fri|sat|sun))*))?$/.exec(l));
  const volume = policy.volume ?? [];
  const good = windows.every(Boolean);
  const number = (rule: 'dayparts_per_day' | 'minutes_per_daypart' | 'urgent_volume') => (
    <NumberInput label={w.rules[rule]} placeholder={w.inherit} value={policy[rule] ?? ''} onChange={(v) => setPolicy({ ...policy, [rule]: v === '' ? undefined : Number(v) })} min={1} max={1440} allowDecimal={false} w={{ base: '100%', xs: 200 }} />
  );
  const choice = (rule: 'second_person' | 'commune_may_move') => (
    <Select
      label={w.rules[rule]} w={{ base: '100%', xs: 220 }} allowDeselect={false} value={policy[rule] === undefined || policy[rule] === null ? '' : String(policy[rule])}
      onChange={(v) => setPolicy({ ...policy, [rule]: v === '' ? undefined : v === 'true' })} data={[{ value: '', label: w.inherit }, { value: 'true', label: w.yes }, { value: 'false', label: w.no }]}
    />
  );
  return (
    <Stack>
      <Textarea label={w.rules.windows} description={w.windowhint} value={hours} onChange={(e) => setHours(e.currentTarget.value)} autosize minRows={2} error={good ? undefined : w.badwindow} placeholder={w.inherit} />
      <Group align="flex-end">
        {number('dayparts_per_day')}
        {number('minutes_per_daypart')}
        {number('urgent_volume')}
        {choice('second_person')}
        {choice('commune_may_move')}
      </Group>
      <Spans
        words={{ ...w.span, title: w.rules.volume, add: w.addvolume }} value={volume} onChange={(v) => setPolicy({ ...policy, volume: v.length === 0 ? undefined : v })} fresh={{ start: '', end: '', max_percent: 50 }}
        more={(v, set) => <NumberInput label={w.atmost} value={v.max_percent} onChange={(n) => set({ max_percent: Number(n) })} min={0} max={100} allowDecimal={false} w={120} />}
      />
      <TextInput label={w.rules.contact} placeholder={w.inherit} value={policy.contact ?? ''} onChange={(e) => setPolicy({ ...policy, contact: e.currentTarget.value || undefined })} maxLength={200} />
      <Trouble error={error} />
      <Group justify="flex-end">
        <Button variant="default" onClick={close}>{w.cancel}</Button>
        <Button
          loading={busy} disabled={!good || !volume.every(isSpan)}
          onClick={() => change({ policy: { ...policy, windows: windows.length === 0 ? undefined : windows.map((m) => ({ start: m?.[1] ?? '', end: m?.[2] ?? '', days: m?.[3]?.split(',') as never })) } })}
        >
          {w.save}
        </Button>
      </Group>
    </Stack>
  );
}
