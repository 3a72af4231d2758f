import { ActionIcon, Alert, Button, Checkbox, Chip, Drawer, Fieldset, Group, MultiSelect, NumberInput, SegmentedControl, Select, Stack, Text, TextInput, Title } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconArrowDown, IconArrowUp, IconDeviceFloppy, IconX } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, http } from '../api/client';
import '../i18n/plan';
import { useAreas } from '../parts/areas';
import { daypartName } from '../parts/dayparts';
import { changeOf, specOf, weekdays, type Draft, type Spec } from '../parts/draft';
import { Foreseen, type Fix } from '../parts/foreseen';
import { DayInput, TimeInput } from '../parts/inputs';
import { say } from '../parts/notify';
import { Trouble } from '../parts/states';
import { Targets } from '../parts/targets';
import { deed, did } from '../parts/undo';
import { length, useClock, written } from '../time';

export function BroadcastForm({ start, close }: { start: Draft; close: () => void }) {
  const { t } = useTranslation();
  const [d, setD] = useState(start);
  const set = (part: Partial<Draft>) => setD((now) => ({ ...now, ...part }));
  const spec = useMemo(() => specOf(d), [d]);
  const done = () => {
    say(t('form.saved'));
    close();
  };
  const create = api.useMutation('post', '/broadcasts', {
    onSuccess: (b) => {
      did(deed('created', b), { kind: 'cancel', id: b.id, version: b.version });
      done();
    },
  });
  const edit = api.useMutation('patch', '/broadcasts/{id}', {
    onSuccess: (b) => {
      if (d.before) did(deed('edited', d.before), { kind: 'edit', id: b.id, version: b.version, body: changeOf(d.before) });
      done();
    },
  });

  function save() {
    if (!spec) return;
    if (!d.id) return create.mutate({ body: spec });
    edit.mutate({ params: { path: { id: d.id }, header: { 'If-Match': `"${d.version}"` } }, body: changeOf(spec) });
  }

  return (
    <Drawer opened onClose={close} position="right" size="xl" title={t(d.id ? 'form.edit' : 'form.new')} closeOnClickOutside={false} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          save();
        }}
      >
        <Stack>
          {d.instead && <Alert color="blue">{t('plan:one', { day: written(d.instead.date) })}</Alert>}
          {d.note && <Alert color="blue">{d.note}</Alert>}
          {d.approved && <Alert color="yellow">{t('form.reapprove')} {d.repeat !== 'once' && t('form.series')}</Alert>}
          <TextInput label={t('form.title')} value={d.title} onChange={(e) => set({ title: e.currentTarget.value })} required withAsterisk={false} maxLength={200} data-autofocus />
          <Items d={d} set={set} />
          <Targets d={d} set={set} />
          <When d={d} set={set} />
          <Group align="flex-end">
            <Select label={t('form.class')} data={[{ value: 'normal', label: t('form.normal') }, { value: 'priority', label: t('form.priority') }]} value={d.class} onChange={(v) => set({ class: v as Draft['class'] })} allowDeselect={false} w={160} />
            <Lateness d={d} set={set} />
          </Group>
          <Ahead d={d} set={set} spec={spec} />
          <Trouble error={create.error ?? edit.error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t('common.cancel')}
            </Button>
            <Button type="submit" leftSection={<IconDeviceFloppy size={18} />} disabled={!spec} loading={create.isPending || edit.isPending}>
              {t('form.saving')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Drawer>
  );
}

/** What becomes of a time that is missed; a stretched slot is one that may begin late. */
function Lateness({ d, set }: Part) {
  const { t } = useTranslation();
  const now = d.lateness || (d.mode === 'exact' ? 'join' : 'skip');
  const [rule, minutes] = now.split(':');
  return (
    <Group align="flex-end" flex={1} gap="sm">
      <Select
        label={t('form.lateness')} flex={1} miw={220} allowDeselect={false} value={rule ?? now} onChange={(v) => set({ lateness: v === 'whole' ? 'whole:15' : (v ?? '') })}
        data={[{ value: 'skip', label: t('form.late.skip') }, { value: 'join', label: t('form.late.join') }, { value: 'whole', label: t('plan:whole') }]}
      />
      {rule === 'whole' && <NumberInput label={t('plan:latest')} w={170} min={1} max={1440} clampBehavior="strict" allowDecimal={false} value={Number(minutes)} onChange={(v) => set({ lateness: `whole:${Number(v) || 1}` })} />}
    </Group>
  );
}

type Part = { d: Draft; set: (part: Partial<Draft>) => void };

function Items({ d, set }: Part) {
  const { t } = useTranslation();
  const [text, setText] = useState('');
  const [q] = useDebouncedValue(text, 200);
  const { data, error, refetch } = api.useQuery('get', '/reports', { params: { query: { q: q || undefined, limit: 50 } } }, { placeholderData: keepPreviousData });
  const known = useKnown(d.items);
  const usable = (data?.items ?? []).filter((r) => (r.state === 'approved' || r.state === 'draft') && !d.items.includes(r.id));
  const total = d.items.reduce((sum, id) => sum + (known.get(id)?.duration_ms ?? 0), 0);
  const move = (i: number, by: number) => {
    const items = [...d.items];
    const [one] = items.splice(i, 1);
    if (one) items.splice(i + by, 0, one);
    set({ items });
  };
  return (
    <Fieldset legend={t('form.reports')}>
      <Stack gap={6}>
        {d.items.map((id, i) => {
          const r = known.get(id);
          const what = r?.title ?? '…';
          return (
            <Group key={`${id}-${i}`} gap={4} wrap="nowrap">
              <Text size="sm" flex={1} truncate>
                {i + 1}. {what} <Text span c="dimmed" size="sm">{r?.duration_ms ? length(r.duration_ms) : ''}</Text>
              </Text>
              <ActionIcon variant="subtle" color="gray" disabled={i === 0} aria-label={t('common.up', { what })} onClick={() => move(i, -1)}><IconArrowUp size={16} /></ActionIcon>
              <ActionIcon variant="subtle" color="gray" disabled={i === d.items.length - 1} aria-label={t('common.down', { what })} onClick={() => move(i, 1)}><IconArrowDown size={16} /></ActionIcon>
              <ActionIcon variant="subtle" color="gray" aria-label={t('common.remove', { what })} onClick={() => set({ items: d.items.filter((_, n) => n !== i) })}><IconX size={16} /></ActionIcon>
            </Group>
          );
        })}
        {d.items.length > 1 && <Text size="sm" c="dimmed">{t('form.total', { length: length(total) })}</Text>}
        <Trouble error={error} again={() => void refetch()} />
        <Select
          aria-label={t('form.addreport')} placeholder={t('form.addreport')} nothingFoundMessage={data && t('library.nothing')} searchable searchValue={text} onSearchChange={setText} value={null} filter={({ options }) => options}
          data={usable.map((r) => ({ value: r.id, label: `${r.title}${r.duration_ms ? ` (${length(r.duration_ms)})` : ''}` }))}
          onChange={(id) => {
            if (!id) return;
            const r = usable.find((x) => x.id === id);
            set({ items: [...d.items, id], ...(d.title ? {} : { title: r?.title ?? '' }) });
            setText('');
          }}
        />
      </Stack>
    </Fieldset>
  );
}

/** The reports of a draft by id, asked one by one: there are few, and they stay cached. */
export function useKnown(ids: string[]) {
  const { data } = useQuery({
    queryKey: ['get', '/reports', 'known', ids],
    queryFn: async () => {
      const list = await Promise.all([...new Set(ids)].map((id) => http.GET('/reports/{id}', { params: { path: { id } } })));
      return new Map(list.flatMap(({ data }) => (data ? [[data.id, data] as const] : [])));
    },
    placeholderData: keepPreviousData,
  });
  return data ?? new Map();
}

function When({ d, set }: Part) {
  const { t } = useTranslation();
  const areas = useAreas();
  const dayparts = useMemo(() => {
    const names = new Map<string, string>();
    for (const a of areas)
      if (d.areas.length === 0 || d.areas.includes(a.code)) for (const p of a.effective_dayparts ?? []) if (!names.has(p.name)) names.set(p.name, `${daypartName(t, p.name)} (${p.start}–${p.end})`);
    return [...names].map(([value, label]) => ({ value, label }));
  }, [areas, d.areas, t]);
  return (
    <Fieldset legend={t('form.when')}>
      <Stack gap="xs">
        <SegmentedControl aria-label={t('form.when')} value={d.mode} onChange={(mode) => set({ mode: mode as Draft['mode'], lateness: '' })} data={[{ value: 'daypart', label: t('form.daypart') }, { value: 'exact', label: t('form.exact') }]} />
        <Group align="flex-start" gap="sm">
          {d.mode === 'daypart' ? (
            <Select label={t('form.daypartname')} data={dayparts} value={d.daypart || null} onChange={(v) => set({ daypart: v ?? '' })} error={dayparts.length === 0 && t('form.nodayparts')} required withAsterisk={false} w={220} />
          ) : (
            <TimeInput label={t('form.time')} value={d.time} onChange={(time) => set({ time })} required />
          )}
          <DayInput label={t('form.date')} value={d.date} onChange={(date) => set({ date })} required />
          <Select
            label={t('form.repeat')} w={150} allowDeselect={false} value={d.repeat} onChange={(v) => set({ repeat: v as Draft['repeat'] })}
            disabled={!!d.instead} data={[{ value: 'once', label: t('form.once') }, { value: 'daily', label: t('form.daily') }, { value: 'weekly', label: t('form.weekly') }, ...(d.repeat === 'custom' ? [{ value: 'custom', label: d.rule }] : [])]}
          />
        </Group>
        {d.repeat === 'weekly' && (
          <Chip.Group multiple value={d.days} onChange={(days) => set({ days })}>
            <Group gap={6} role="group" aria-label={t('form.days')}>
              {weekdays.map((w) => (
                <Chip key={w} value={w} size="sm">
                  {t(`weekday.${w}`)}
                </Chip>
              ))}
            </Group>
          </Chip.Group>
        )}
        {d.repeat !== 'once' && (
          <Group align="flex-start">
            {d.repeat !== 'custom' && <DayInput label={`${t('form.until')} (${t('common.optional')})`} value={d.until} onChange={(until) => set({ until })} min={d.date} clearable />}
            <DayInput label={`${t('form.exdates')} (${t('common.optional')})`} value="" onChange={(day) => day && !d.exdates.includes(day) && set({ exdates: [...d.exdates, day].sort() })} />
          </Group>
        )}
        {d.repeat !== 'once' && <Checkbox label={t('plan:skipholidays')} checked={d.skipHolidays} onChange={(e) => set({ skipHolidays: e.currentTarget.checked })} />}
        {d.repeat !== 'once' && d.exdates.length > 0 && <MultiSelect aria-label={t('form.exdates')} data={d.exdates.map((x) => ({ value: x, label: written(x) }))} value={d.exdates} onChange={(exdates) => set({ exdates })} />}
      </Stack>
    </Fieldset>
  );
}

/** What would happen, asked of the hub while the form is filled in. Nothing is written by it. */
function Ahead({ d, set, spec }: Part & { spec?: Spec }) {
  const { t } = useTranslation();
  const fix = useFix(d, set);
  const [body] = useDebouncedValue(spec, 400);
  const { data, error, isFetching } = useQuery({
    queryKey: ['post', '/broadcasts/preview', d.id, body],
    enabled: !!body,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const answer = await http.POST('/broadcasts/preview', { params: { query: { broadcast: d.id } }, body: body!, signal });
      if (answer.error) throw answer.error;
      return answer.data;
    },
  });
  return (
    <Fieldset legend={t('form.preview')} aria-live="polite" aria-busy={isFetching}>
      {!body || !spec ? <Text size="sm" c="dimmed">{t('form.previewhint')}</Text> : error ? <Trouble error={error} /> : data ? <Foreseen p={data} own={d.id ?? 'draft'} fix={fix} /> : <Title order={3} size="sm">{t('common.loading')}</Title>}
    </Fieldset>
  );
}

/** What the form can do about a conflict: nothing is written before it is saved, and the preview looks again at once. */
function useFix(d: Draft, set: Part['set']): Fix {
  const { t } = useTranslation();
  const clock = useClock();
  return {
    move: ({ elsewhere, occurrence }) => {
      const day = occurrence?.slice(0, 10) ?? '';
      if (elsewhere?.at) {
        const at = elsewhere.at;
        return { to: clock.time(at), go: () => set({ mode: 'exact', time: clock.wall(at), ...(d.repeat === 'once' ? { date: clock.iso(at) } : {}) }) };
      }
      const { daypart, date } = elsewhere ?? {};
      if (!daypart || !date || (d.repeat !== 'once' && date !== day)) return undefined; // of a series only the daypart moves
      return { to: `${daypartName(t, daypart)}, ${written(date)}`, go: () => set({ mode: 'daypart', daypart, ...(d.repeat === 'once' ? { date } : {}) }) };
    },
    shorten: ({ kind, report }) => {
      if (d.items.length < 2) return undefined;
      const gone = kind === 'skipped' ? d.items.lastIndexOf(report) : d.items.length - 1;
      return gone < 0 ? undefined : () => set({ items: d.items.filter((_, i) => i !== gone) });
    },
  };
}
