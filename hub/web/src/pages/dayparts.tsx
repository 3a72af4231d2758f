import { Badge, Button, Card, Group, Stack, Table, Text, TextInput, Title } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Area } from '../api/client';
import { put, useAdminWords } from '../i18n/admin';
import { daypartName, weekdayNames, weekdays } from '../parts/dayparts';
import { TimeInput } from '../parts/inputs';
import { Trouble } from '../parts/states';
import { isSpan, Spans, Weekdays } from '../parts/week';
import { useEdit, wayUp } from './areas';

type Daypart = NonNullable<Area['dayparts']>[number];

/** The dayparts that hold in an area, each with where it comes from; own ones replace by name. */
export function Dayparts({ area, all }: { area: Area; all: Area[] }) {
  const w = useAdminWords().areas;
  const { t } = useTranslation();
  const [form, setForm] = useState<Daypart>();
  const { change, error, busy } = useEdit(area);
  const own = area.dayparts ?? [];
  const up = wayUp(area, all);
  const source = (name: string) => up.find((a) => (a.dayparts ?? []).some((d) => d.name === name));
  const off = own.filter((d) => d.disabled);
  const rows = [...(area.effective_dayparts ?? []), ...off].sort((a, b) => (a.start ?? '').localeCompare(b.start ?? ''));
  const save = (list: Daypart[]) => change({ dayparts: list });
  const without = (name: string) => own.filter((d) => d.name !== name);
  return (
    <Card>
      <Title order={3} mb="xs">{w.dayparts}</Title>
      {rows.length === 0 && <Text size="sm" c="dimmed">{w.nodayparts}</Text>}
      {rows.length > 0 && (
        <Table className="stack" aria-label={w.dayparts}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{w.daypart}</Table.Th>
              <Table.Th>{w.hours}</Table.Th>
              <Table.Th>{w.from}</Table.Th>
              <Table.Th />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((d) => {
              const from = source(d.name);
              const mine = from?.code === area.code;
              return (
                <Table.Tr key={d.name} data-daypart={d.name}>
                  <Table.Td td={d.disabled ? 'line-through' : undefined}>{daypartName(t, d.name)}</Table.Td>
                  <Table.Td>
                    {d.start}–{d.end} <Text span size="xs" c="dimmed">{weekdayNames(t, d.days) || w.everyday}</Text>
                    {(d.reserved ?? []).length > 0 && <Text size="xs" c="dimmed">{put(w.reserved, { spans: (d.reserved ?? []).map((r) => `${r.start}–${r.end} ${r.label ?? ''}`.trim()).join(', ') })}</Text>}
                  </Table.Td>
                  <Table.Td>
                    <Badge h="auto" py={2} radius="md" styles={{ label: { whiteSpace: 'normal' } }} color={mine ? 'loa' : 'gray'}>{d.disabled ? w.off : mine ? w.own : put(w.inherited, { name: from?.name ?? '' })}</Badge>
                  </Table.Td>
                  <Table.Td>
                    <Group gap={4} justify="flex-end">
                      {!d.disabled && <Button size="compact-sm" variant="default" onClick={() => setForm(d)} aria-label={`${w.override}: ${daypartName(t, d.name)}`}>{w.override}</Button>}
                      {mine ? (
                        <Button size="compact-sm" variant="default" loading={busy} onClick={() => save(without(d.name))} aria-label={`${w.back}: ${daypartName(t, d.name)}`}>{w.back}</Button>
                      ) : (
                        <Button size="compact-sm" variant="default" loading={busy} onClick={() => save([...own, { ...d, disabled: true }])} aria-label={`${w.remove}: ${daypartName(t, d.name)}`}>{w.remove}</Button>
                      )}
                    </Group>
                  </Table.Td>
                </Table.Tr>
              );
            })}
          </Table.Tbody>
        </Table>
      )}
      {form ? (
        <Form key={form.name} area={area} of={form} close={() => setForm(undefined)} />
      ) : (
        <Button mt="sm" variant="light" onClick={() => setForm({ name: '', start: '', end: '' })}>{w.adddaypart}</Button>
      )}
      <Trouble error={error} />
    </Card>
  );
}

/** A daypart of the area's own: one that is inherited, with its days and spans, is where it begins. */
function Form({ area, of, close }: { area: Area; of: Daypart; close: () => void }) {
  const w = useAdminWords().areas;
  const [seen] = useState(area); // what somebody else saves meanwhile is not overwritten unseen
  const { change, error, busy } = useEdit(seen, close);
  const [d, setD] = useState({ name: of.name, start: of.start ?? '', end: of.end ?? '', days: of.days?.length ? of.days : [...weekdays], reserved: of.reserved ?? [] });
  const good = d.name && isSpan(d) && d.days.length > 0 && d.reserved.every(isSpan);
  return (
    <Stack mt="sm" gap="sm">
      <Group align="flex-end">
        <TextInput label={w.daypart} value={d.name} onChange={(e) => setD({ ...d, name: e.currentTarget.value })} w={160} maxLength={60} />
        <TimeInput label={w.start} value={d.start} onChange={(start) => setD({ ...d, start })} />
        <TimeInput label={w.end} value={d.end} onChange={(end) => setD({ ...d, end })} />
      </Group>
      <Weekdays value={d.days} onChange={(days) => setD({ ...d, days })} size="sm" />
      <Spans
        words={{ ...w.span, title: w.reservedtitle, add: w.addreserved }} value={d.reserved} onChange={(reserved) => setD({ ...d, reserved })} fresh={{ start: d.start, end: '', label: '' }}
        more={(r, set) => <TextInput label={w.source} value={r.label ?? ''} onChange={(e) => set({ label: e.currentTarget.value })} maxLength={60} w={200} />}
      />
      <Trouble error={error} />
      <Group>
        <Button loading={busy} disabled={!good} onClick={() => change({ dayparts: [...(seen.dayparts ?? []).filter((o) => o.name !== d.name), d] })}>{w.save}</Button>
        <Button variant="default" onClick={close}>{w.cancel}</Button>
      </Group>
    </Stack>
  );
}
