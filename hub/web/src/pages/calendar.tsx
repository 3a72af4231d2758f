import FullCalendar, { useCalendarController, type EventInput } from '@fullcalendar/react';
import dayGrid from '@fullcalendar/react/daygrid';
import interaction from '@fullcalendar/react/interaction';
import viLocale from '@fullcalendar/react/locales/vi';
import '@fullcalendar/react/skeleton.css';
import classic from '@fullcalendar/react/themes/classic';
import '@fullcalendar/react/themes/classic/palette.css';
import '@fullcalendar/react/themes/classic/theme.css';
import timeGrid from '@fullcalendar/react/timegrid';
import 'temporal-polyfill/global';
import './calendar.css';
import { ActionIcon, Alert, Badge, Button, Card, Group, LoadingOverlay, SegmentedControl, Text, Title, useComputedColorScheme } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { IconChevronLeft, IconChevronRight, IconPlus } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearch } from 'wouter';
import { api, hubNow, type Schemas } from '../api/client';
import { useMe } from '../api/session';
import { AreaSelect } from '../parts/areas';
import { daypartName } from '../parts/dayparts';
import { Held } from '../parts/held';
import { Page } from '../parts/page';
import { Trouble } from '../parts/states';
import { addDays, useClock, written } from '../time';
import '../i18n/plan';
import { emptyDraft, type Draft } from '../parts/draft';
import { Marks } from '../parts/marks';
import { Undo } from '../parts/undobutton';
import { Edit, type Move } from './edit';
import { BroadcastForm } from './form';
import { Show } from './show';

type View = 'dayGridMonth' | 'timeGridWeek' | 'timeGridDay';
type Calendar = Schemas['CalendarView'];

export default function CalendarPage() {
  const { t, i18n } = useTranslation();
  const me = useMe();
  const clock = useClock();
  const small = useMediaQuery('(max-width: 48em)', undefined, { getInitialValueInEffect: false });
  const dark = useComputedColorScheme('light') === 'dark';
  const controller = useCalendarController();
  const [view, setView] = useState<View>(small ? 'timeGridDay' : 'timeGridWeek');
  const [area, setArea] = useState('');
  const [span, setSpan] = useState<{ from: string; to: string }>();
  const wanted = new URLSearchParams(useSearch()).get('report');
  const [draft, setDraft] = useState<Draft | undefined>(() => (wanted ? emptyDraft({ items: [wanted], date: clock.today(), areas: me.area ? [me.area] : [] }) : undefined));
  const [shown, setShown] = useState<Move>();
  const [moving, setMoving] = useState<Move>();
  const { data, error, isFetching, refetch } = api.useQuery('get', '/calendar', { params: { query: { area: area || undefined, from: span?.from ?? '', to: span?.to ?? '' } } }, { enabled: !!span, placeholderData: (before) => before });
  const events = useMemo(() => (data ? eventsOf(data, t) : []), [data, t]);
  const may = me.may.includes('author');
  const where = area || me.area;

  /** A new broadcast where somebody dragged: in a daypart when that is one, else at the time. */
  function begin(at: Date | undefined) {
    const day = at ? clock.iso(at) : clock.today();
    const band = at && data?.bands.find((b) => Date.parse(b.start) <= at.getTime() && at.getTime() < Date.parse(b.end));
    setDraft(emptyDraft({ date: day, time: at ? clock.wall(at) : '', mode: at && !band ? 'exact' : 'daypart', daypart: band?.name ?? '', areas: where ? [where] : [] }));
  }

  return (
    <Page
      title={t('calendar.title')}
      lead={t('calendar.legend')}
      actions={
        may && (
          <>
            <Undo />
            {me.may.includes('manage') && <Marks area={where} />}
            <Button leftSection={<IconPlus size={18} />} onClick={() => begin(undefined)}>
              {t('calendar.create')}
            </Button>
          </>
        )
      }
    >
      <Group justify="space-between" gap="sm">
        <Group gap="xs">
          <Button variant="default" onClick={() => controller.today()}>
            {t('calendar.today')}
          </Button>
          <ActionIcon variant="default" size="lg" aria-label={t('calendar.prev')} onClick={() => controller.prev()}>
            <IconChevronLeft size={18} />
          </ActionIcon>
          <ActionIcon variant="default" size="lg" aria-label={t('calendar.nextspan')} onClick={() => controller.next()}>
            <IconChevronRight size={18} />
          </ActionIcon>
          <Title order={2} aria-live="polite">
            {span && (view === 'dayGridMonth' ? `${t('calendar.month')} ${written(addDays(span.from, 15)).slice(3)}` : span.from === span.to ? clock.day(`${span.from}T12:00:00Z`) : `${clock.date(`${span.from}T12:00:00Z`)} – ${clock.date(`${span.to}T12:00:00Z`)}`)}
          </Title>
        </Group>
        <Group gap="sm">
          <AreaSelect value={area} onChange={setArea} />
          <SegmentedControl
            aria-label={t('calendar.title')} value={view} data={[{ value: 'timeGridDay', label: t('calendar.day') }, { value: 'timeGridWeek', label: t('calendar.week') }, { value: 'dayGridMonth', label: t('calendar.month') }]}
            onChange={(v) => {
              setView(v as View);
              controller.changeView(v);
            }}
          />
        </Group>
      </Group>
      <Trouble error={error} again={() => void refetch()} />
      {(data?.left_off ?? 0) > 0 && <Alert color="blue">{t('calendar.leftoff')}</Alert>}
      {data?.entries.length === 0 && (
        <Text size="sm" c="dimmed">
          {t('calendar.empty')}. {may && t('calendar.emptyhint')}
        </Text>
      )}
      {(data?.holidays.length ?? 0) > 0 && (
        <Group gap={6} role="note">
          <Text size="sm" fw={600}>{t('plan:holidays')}:</Text>
          {data?.holidays.map((h) => <Badge key={h.day} color="gray" tt="none">{`${written(h.day).slice(0, 5)} ${h.name}`}</Badge>)}
        </Group>
      )}
      <Card padding={0} pos="relative" className="loa-calendar" data-view={view} data-color-scheme={dark ? 'dark' : 'light'}>
        <LoadingOverlay visible={isFetching && !data} loaderProps={{ role: 'status', 'aria-label': t('common.loading') }} />
        <Held>
          <FullCalendar
            controller={controller} plugins={[dayGrid, timeGrid, interaction, classic]} initialView={view} headerToolbar={false} timeZone={me.zone} locale={i18n.language === 'en' ? 'en-gb' : viLocale} firstDay={1} timedText={t('calendar.timed')}
            height={small && view === 'dayGridMonth' ? 'auto' : 620} allDaySlot={false} nowIndicator initialDate={clock.today()} now={() => `${clock.today()}T${clock.wall(new Date(hubNow()))}`} scrollTime="04:30:00" slotDuration="00:15:00" expandRows={false} dayMaxEvents={small ? 3 : true} events={events}
            eventTimeFormat={{ hour: '2-digit', minute: '2-digit', hour12: false }} slotHeaderFormat={{ hour: '2-digit', minute: '2-digit', hour12: false }} editable={may} selectable={may} selectMinDistance={4} longPressDelay={350}
            datesSet={({ start, end }) => setSpan({ from: clock.iso(start), to: addDays(clock.iso(end), -1) })}
            select={({ start }) => begin(start)}
            eventClick={({ event }) => event.extendedProps.move && setShown(event.extendedProps.move as Move)}
            eventDrop={({ event, revert, jsEvent }) => {
              const { move } = event.extendedProps as { move: Move };
              const to = event.start;
              revert(); // what is shown is what is planned: the move is a proposal in the form
              if (to) setMoving({ ...move, to, copy: jsEvent.altKey || jsEvent.ctrlKey });
            }}
            eventResize={({ event, oldEvent, revert }) => {
              const { move } = event.extendedProps as { move: Move };
              const longer = Math.round(((event.end?.getTime() ?? 0) - (oldEvent.end?.getTime() ?? 0)) / 60_000);
              revert();
              setMoving({ ...move, longer });
            }}
          />
        </Held>
      </Card>
      {draft && <BroadcastForm start={draft} close={() => setDraft(undefined)} />}
      {shown && <Show id={shown.id} day={shown.repeats ? shown.date : undefined} close={() => setShown(undefined)} edit={() => setMoving(shown)} copy={() => setMoving({ ...shown, copy: true })} />}
      {moving && <Edit move={moving} bands={data?.bands ?? []} close={() => (setMoving(undefined), setShown(undefined))} />}
    </Page>
  );
}

type Words = ReturnType<typeof useTranslation>['t'];

function eventsOf(c: Calendar, t: Words): EventInput[] {
  const bands = c.bands.map((b, i) => ({ id: `band-${i}`, start: b.start, end: b.end, display: 'background', title: daypartName(t, b.name), className: 'loa-band' }));
  const entries = c.entries.map((e, i) => {
    const skipped = e.skipped ?? [];
    const note = !e.heard ? ` (${t('calendar.notheard')})` : skipped.length > 0 ? ` (${t('calendar.partly', { n: skipped.length })})` : '';
    const kind = ['loa-entry', e.state === 'draft' ? 'loa-draft' : '', e.class === 'priority' ? 'loa-priority' : '', e.heard ? '' : 'loa-silent'].join(' ');
    return { id: `${e.broadcast} ${e.key} ${i}`, start: e.start, end: e.end, title: e.title + note, className: kind, extendedProps: { move: { id: e.broadcast, date: e.date, repeats: e.repeats } satisfies Move } };
  });
  return [...bands, ...entries];
}
