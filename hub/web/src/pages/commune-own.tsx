import { ActionIcon, Alert, Button, Card, FileButton, Group, Radio, Select, Stack, Text, TextInput, Title } from '@mantine/core';
import { IconPlus, IconTrash, IconUpload } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, type Area } from '../api/client';
import { uploads, useUploads } from '../api/upload';
import { State } from '../parts/badges';
import { daypartName, weekdayNames, weekdays, type Weekday } from '../parts/dayparts';
import { DayInput, TimeInput } from '../parts/inputs';
import { say } from '../parts/notify';
import { Rows, Trouble } from '../parts/states';
import { Weekdays } from '../parts/week';
import { useClock, written } from '../time';

/** What the commune has of its own: items that an officer approves, and dayparts within the policy. */
export default function Own({ area, may }: { area: string; may: boolean }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState<'item' | 'daypart'>();
  const whole = api.useQuery('get', '/areas/{code}', { params: { path: { code: area } } });
  const place = whole.data;
  const items = api.useQuery('get', '/areas/{code}/own', { params: { path: { code: area } } });
  const cancel = api.useMutation('post', '/areas/{code}/own/{id}/cancel');
  const live = (items.data?.items ?? []).filter((b) => b.state !== 'cancelled').slice(0, 10);
  return (
    <Stack gap="md" component="section" aria-label={t('own.title')}>
      <Group justify="space-between">
        <Title order={2}>{t('own.title')}</Title>
        {may && place && (
          <Button size="md" variant="default" leftSection={<IconPlus size={20} />} onClick={() => setOpen(open === 'item' ? undefined : 'item')} aria-expanded={open === 'item'}>
            {t('own.add')}
          </Button>
        )}
      </Group>
      <Trouble error={items.error ?? whole.error} again={() => void Promise.all([items.refetch(), whole.refetch()])} />
      <Trouble error={cancel.error} />
      {open === 'item' && place && <Item area={place} close={() => setOpen(undefined)} />}
      {items.isPending && <Rows n={1} />}
      {items.data && live.length === 0 && <Text c="dimmed">{t('own.none')}</Text>}
      {live.map((b) => (
        <Card key={b.id} padding="sm" component="article" aria-label={b.title}>
          <Group justify="space-between" gap="xs" wrap="nowrap" align="flex-start">
            <Text fw={600} style={{ overflowWrap: 'anywhere' }}>
              {b.title}
            </Text>
            <State of="broadcast" is={b.state} />
          </Group>
          <Group justify="space-between" gap="xs" wrap="nowrap">
            <Text size="sm" c="dimmed">
              {[b.when.daypart && daypartName(t, b.when.daypart), b.when.date && written(b.when.date), t(`class.${b.class as 'normal'}`)].filter(Boolean).join(' · ')}
            </Text>
            {may && (
              <ActionIcon variant="default" size={44} aria-label={t('common.remove', { what: b.title })} loading={cancel.isPending} onClick={() => cancel.mutate({ params: { path: { code: area, id: b.id } } })}>
                <IconTrash size={20} />
              </ActionIcon>
            )}
          </Group>
        </Card>
      ))}
      {place && <Dayparts area={place} may={may} open={open === 'daypart'} toggle={() => setOpen(open === 'daypart' ? undefined : 'daypart')} />}
    </Stack>
  );
}

/** A file or something uploaded before, into a daypart of a day. */
function Item({ area, close }: { area: Area; close: () => void }) {
  const { t } = useTranslation();
  const clock = useClock();
  const [report, setReport] = useState('');
  const [sent, setSent] = useState<File>();
  const [daypart, setDaypart] = useState(area.effective_dayparts?.[0]?.name ?? '');
  const [date, setDate] = useState(clock.today());
  const [kind, setKind] = useState<'normal' | 'priority'>('normal');
  const upload = useUploads().find((u) => u.file === sent);
  const list = api.useQuery('get', '/reports', { params: { query: { area: area.code, limit: 50 } } }).data?.items ?? [];
  const chosen = list.find((r) => r.id === (upload?.report ?? report));
  const ready = chosen?.state === 'draft' || chosen?.state === 'approved';
  const create = api.useMutation('post', '/areas/{code}/own', {
    onSuccess: () => {
      say(t('own.sent'));
      close();
    },
  });
  return (
    <Card>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          if (chosen) create.mutate({ params: { path: { code: area.code } }, body: { title: chosen.title, report: chosen.id, daypart, date, class: kind } });
        }}
      >
        <Stack gap="sm">
          <Text size="sm">{t('own.how')}</Text>
          <Trouble error={create.error ?? (upload?.state === 'failed' ? upload.error : undefined)} />
          <FileButton
            accept="audio/*,video/*,.opus,.wma"
            onChange={(file) => {
              if (!file) return;
              setSent(file);
              uploads.add([{ file, fields: { title: file.name.replace(/\.[^.]+$/, '').replace(/[_\s]+/g, ' ').normalize('NFC').trim(), area: area.code, language: 'vi' } }]);
            }}
          >
            {(props) => (
              <Button size="md" variant="default" leftSection={<IconUpload size={20} />} loading={upload?.state === 'sending' || upload?.state === 'waiting'} {...props}>
                {sent ? sent.name : t('own.file')}
              </Button>
            )}
          </FileButton>
          <Select
            size="md" label={t('common.report')} data={list.filter((r) => r.state === 'draft' || r.state === 'approved' || r.id === chosen?.id).map((r) => ({ value: r.id, label: r.title }))} value={chosen?.id ?? null}
            onChange={(v) => {
              setSent(undefined);
              setReport(v ?? '');
            }}
          />
          {chosen && !ready && (
            <Alert color={chosen.state === 'failed' ? 'red' : 'blue'} role="status">
              {t(`state.report.${chosen.state as 'processing'}`)}
            </Alert>
          )}
          <Group grow align="flex-end">
            <Select size="md" label={t('form.daypartname')} data={(area.effective_dayparts ?? []).map((d) => ({ value: d.name, label: `${daypartName(t, d.name)} ${d.start}–${d.end}` }))} value={daypart} onChange={(v) => setDaypart(v ?? '')} allowDeselect={false} />
            <DayInput label={t('common.date')} value={date} onChange={setDate} required />
          </Group>
          <Radio.Group label={t('form.class')} value={kind} onChange={(v) => setKind(v as 'normal')}>
            <Group mt={6}>
              <Radio size="md" value="normal" label={t('form.normal')} />
              <Radio size="md" value="priority" label={t('form.priority')} />
            </Group>
          </Radio.Group>
          <Button size="lg" type="submit" disabled={!ready || !daypart || !date} loading={create.isPending}>
            {t('own.send')}
          </Button>
        </Stack>
      </form>
    </Card>
  );
}

/** Those of the commune's own; what comes from above is shown and cannot be changed. */
function Dayparts({ area, may, open, toggle }: { area: Area; may: boolean; open: boolean; toggle: () => void }) {
  const { t } = useTranslation();
  const own = (area.dayparts ?? []).filter((d) => !d.disabled && !area.inherited.includes(d.name));
  const [name, setName] = useState('');
  const [start, setStart] = useState('');
  const [end, setEnd] = useState('');
  const [days, setDays] = useState<Weekday[]>([...weekdays]);
  const put = api.useMutation('put', '/areas/{code}/dayparts');
  const save = (dayparts: typeof own) => put.mutate({ params: { path: { code: area.code } }, body: { dayparts } }, { onSuccess: () => open && toggle() });
  return (
    <Stack gap="xs">
      <Group justify="space-between">
        <Title order={3}>{t('own.dayparts')}</Title>
        {may && (
          <Button size="md" variant="default" leftSection={<IconPlus size={20} />} onClick={toggle} aria-expanded={open}>
            {t('own.adddaypart')}
          </Button>
        )}
      </Group>
      <Trouble error={put.error} />
      {(area.effective_dayparts ?? []).map((d) => (
        <Group key={d.name} justify="space-between" wrap="nowrap">
          <Text>
            {daypartName(t, d.name)}, {d.start}–{d.end}
            {weekdayNames(t, d.days) && ` · ${weekdayNames(t, d.days)}`}
          </Text>
          {!own.some((o) => o.name === d.name) ? (
            <Text size="sm" c="dimmed">
              {t('own.above')}
            </Text>
          ) : (
            may && (
              <ActionIcon variant="default" size={44} aria-label={t('common.remove', { what: d.name })} loading={put.isPending} onClick={() => save(own.filter((o) => o.name !== d.name))}>
                <IconTrash size={20} />
              </ActionIcon>
            )
          )}
        </Group>
      ))}
      {open && (
        <Card>
          <form
            onSubmit={(e) => {
              e.preventDefault();
              save([...own, { name: name.trim(), start, end, days }]);
            }}
          >
            <Stack gap="sm">
              <TextInput size="md" label={t('own.name')} value={name} onChange={(e) => setName(e.currentTarget.value)} required withAsterisk={false} maxLength={60} autoComplete="off" />
              <Group>
                <TimeInput label={t('own.start')} value={start} onChange={setStart} required />
                <TimeInput label={t('own.end')} value={end} onChange={setEnd} required />
              </Group>
              <Weekdays value={days} onChange={setDays} size="md" />
              <Button size="lg" type="submit" disabled={days.length === 0} loading={put.isPending}>
                {t('own.savedaypart')}
              </Button>
            </Stack>
          </form>
        </Card>
      )}
    </Stack>
  );
}
