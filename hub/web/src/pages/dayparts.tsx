import { Badge, Button, Card, Group, Table, Text, TextInput, Title } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Area } from '../api/client';
import { put, useAdminWords } from '../i18n/admin';
import { daypartName } from '../parts/dayparts';
import { TimeInput, timePattern } from '../parts/inputs';
import { Trouble } from '../parts/states';
import { useEdit, wayUp } from './areas';

type Daypart = NonNullable<Area['dayparts']>[number];

/** The dayparts that hold in an area, each with where it comes from; own ones replace by name. */
export function Dayparts({ area, all }: { area: Area; all: Area[] }) {
  const w = useAdminWords().areas;
  const { t } = useTranslation();
  const [form, setForm] = useState<Daypart>();
  const { change, error, busy } = useEdit(area, () => setForm(undefined));
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
                    {d.start}–{d.end} <Text span size="xs" c="dimmed">{d.days && d.days.length > 0 && d.days.length < 7 ? d.days.map((x) => t(`weekday.${x.slice(0, 2).toUpperCase() as 'MO'}`)).join(' ') : w.everyday}</Text>
                    {(d.reserved ?? []).length > 0 && <Text size="xs" c="dimmed">{put(w.reserved, { spans: (d.reserved ?? []).map((r) => `${r.start}–${r.end} ${r.label ?? ''}`.trim()).join(', ') })}</Text>}
                  </Table.Td>
                  <Table.Td>
                    <Badge color={mine ? 'loa' : 'gray'}>{d.disabled ? w.off : mine ? w.own : put(w.inherited, { name: from?.name ?? '' })}</Badge>
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
        <Group align="flex-end" mt="sm">
          <TextInput label={w.daypart} value={form.name} onChange={(e) => setForm({ ...form, name: e.currentTarget.value })} w={160} maxLength={64} />
          <TimeInput label={w.start} value={form.start ?? ''} onChange={(start) => setForm({ ...form, start })} />
          <TimeInput label={w.end} value={form.end ?? ''} onChange={(end) => setForm({ ...form, end })} />
          <Button loading={busy} disabled={!form.name || !timePattern.test(form.start ?? '') || !timePattern.test(form.end ?? '')} onClick={() => save([...without(form.name), { ...form, disabled: undefined }])}>{w.save}</Button>
          <Button variant="default" onClick={() => setForm(undefined)}>{w.cancel}</Button>
        </Group>
      ) : (
        <Button mt="sm" variant="light" onClick={() => setForm({ name: '', start: '', end: '' })}>{w.adddaypart}</Button>
      )}
      <Trouble error={error} />
    </Card>
  );
}
