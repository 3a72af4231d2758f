import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, type Schemas } from '../api/client';
import '../i18n/plan';
import { copyOf, dayOf, draftOf, type Draft } from '../parts/draft';
import { Trouble } from '../parts/states';
import { useClock, written } from '../time';
import { BroadcastForm, useKnown } from './form';

/** A time of a broadcast to be edited, and what somebody did to it with the mouse. */
export type Move = { id: string; date: string; repeats: boolean; to?: Date; copy?: boolean; longer?: number };

/** Asks "this one or the series" where there is a series, then shows the form with what was meant. */
export function Edit({ move, bands, close }: { move: Move; bands: Schemas['Band'][]; close: () => void }) {
  const { t } = useTranslation();
  const { data: b, error, refetch } = api.useQuery('get', '/broadcasts/{id}', { params: { path: { id: move.id } } }, { staleTime: Infinity });
  const [whole, setWhole] = useState(move.repeats && !move.copy ? undefined : true);
  const known = useKnown((b?.items ?? []).map((i) => i.report));
  const meant = useMeant(move, bands);
  if (error && !b)
    return (
      <Modal opened onClose={close} title={t('form.edit')} centered closeButtonProps={{ 'aria-label': t('common.close') }}>
        <Trouble error={error} again={() => void refetch()} />
      </Modal>
    );
  if (!b || (move.longer && known.size === 0)) return null;
  if (whole === undefined) return <Which day={move.date} choose={setWhole} close={close} />;
  const lengths = (b.items ?? []).map((i) => known.get(i.report)?.duration_ms ?? 0);
  return <BroadcastForm start={meant(draftOf(b), whole, lengths)} close={close} />;
}

function useMeant(move: Move, bands: Schemas['Band'][]) {
  const { t } = useTranslation();
  const clock = useClock();
  return (from: Draft, whole: boolean, lengths: number[]): Draft => {
    let draft = whole ? from : dayOf(from, move.date);
    if (move.copy) draft = { ...copyOf(draft), note: t('plan:copied') };
    if (move.copy && move.to) draft = { ...draft, repeat: 'once', rule: '', days: [], until: '', exdates: [], rdates: [] };
    if (move.to) draft = moved(draft, move.to);
    if (move.longer) draft = { ...draft, ...stretched(draft, move.longer, lengths) };
    return draft;
  };

  function moved(draft: Draft, to: Date): Draft {
    const at = to.getTime();
    const band = bands.find((x) => Date.parse(x.start) <= at && at < Date.parse(x.end));
    const day = clock.iso(to);
    const date = draft.repeat === 'once' || draft.date > day ? day : draft.date; // of a series, the time moves; its first day only when it must
    if (draft.mode === 'daypart' && band) return { ...draft, date, daypart: band.name };
    return { ...draft, date, mode: 'exact', time: clock.wall(to), lateness: '' };
  }

  /** A slot is as long as its reports. Longer is taken as room to begin late, shorter as fewer reports. */
  function stretched(draft: Draft, longer: number, lengths: number[]): Partial<Draft> {
    if (longer > 0) return { lateness: `whole:${Math.min(longer, 1440)}`, note: t('plan:stretched', { n: Math.min(longer, 1440) }) };
    const room = lengths.reduce((sum, n) => sum + n, 0) + longer * 60_000;
    let sum = 0;
    const fits = lengths.findIndex((n) => (sum += n) > room);
    const items = draft.items.slice(0, Math.max(1, fits < 0 ? draft.items.length : fits));
    const gone = draft.items.length - items.length;
    return { items, note: gone > 0 ? t('plan:pressed', { n: gone }) : t('plan:cannot') };
  }
}

function Which({ day, choose, close }: { day: string; choose: (whole: boolean) => void; close: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal opened onClose={close} title={t('plan:which.title')} centered closeButtonProps={{ 'aria-label': t('common.close') }}>
      <Stack>
        <div>
          <Button fullWidth onClick={() => choose(false)} data-autofocus>
            {t('plan:which.one', { day: written(day) })}
          </Button>
          <Text size="sm" c="dimmed" mt={4}>{t('plan:which.oneagain')}</Text>
        </div>
        <div>
          <Button fullWidth variant="default" onClick={() => choose(true)}>
            {t('plan:which.all')}
          </Button>
          <Text size="sm" c="dimmed" mt={4}>{t('plan:which.allhint')}</Text>
        </div>
        <Group justify="flex-end">
          <Button variant="subtle" onClick={close}>{t('common.cancel')}</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
