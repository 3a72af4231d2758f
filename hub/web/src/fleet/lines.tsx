import { Badge, Text, UnstyledButton } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { IconArrowDown, IconArrowUp, IconChevronDown, IconChevronRight } from '@tabler/icons-react';
import { memo, useCallback, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import type { Row } from '../api/fleet';
import { words } from '../i18n/fleet';
import { number, useClock, useTick } from '../time';
import './fleet.css';
import { columns, isHead, type Head, type Line, type Sorting } from './list';
import { useSight } from './sight';
import { ago, gigabytes, isFresh, tone } from './state';

const wide = 44;
const narrow = 92;
const between = 64;

type Props = { lines: Line[]; sorting: Sorting; sort: (by: Sorting) => void; toggle: (area: string) => void; areaName: (code: string) => string };

/** All lines of the list, of which only those in sight exist. */
export function Lines({ lines, sorting, sort, toggle, areaName }: Props) {
  const { t } = useTranslation(words);
  const at = useTick();
  const box = useRef<HTMLDivElement>(null);
  const height = useHeight();
  const heightOf = useCallback((line: Line) => (isHead(line) ? wide : height), [height]);
  const { total, inSight } = useSight(box, lines, heightOf);
  return (
    <div className="fleet" ref={box} role="table" aria-label={t('title')} aria-rowcount={lines.length + 1} tabIndex={0}>
      <div role="rowgroup" className="fleet-head">
        <div role="row" className="fleet-line" aria-rowindex={1}>
          {columns.map((c) => {
            const is = sorting.by === c && (sorting.down ? 'descending' : 'ascending');
            return (
              <span role="columnheader" key={c} data-col={c} aria-sort={is || 'none'}>
                <UnstyledButton size="sm" fw={600} onClick={() => sort({ by: c, down: is === 'ascending' })} title={t('sort', { by: t(`col.${c}`) })}>
                  {t(`col.${c}`)} {is === 'ascending' ? <IconArrowUp size={13} /> : is === 'descending' ? <IconArrowDown size={13} /> : null}
                </UnstyledButton>
              </span>
            );
          })}
        </div>
      </div>
      <div role="rowgroup" style={{ height: total, position: 'relative' }}>
        {inSight.map(({ line, index, top }) =>
          isHead(line) ? (
            <HeadLine key={line.area} head={line} index={index} top={top} name={areaName(line.area)} toggle={toggle} />
          ) : (
            <Cluster key={line.id} r={line} index={index} top={top} height={height} isNew={isFresh(line, at)} age={ago(t, line.status_at ?? line.last_seen, at)} area={areaName(line.area)} />
          ),
        )}
      </div>
    </div>
  );
}

function HeadLine({ head, index, top, name, toggle }: { head: Head; index: number; top: number; name: string; toggle: (area: string) => void }) {
  const { t } = useTranslation(words);
  const Icon = head.open ? IconChevronDown : IconChevronRight;
  return (
    <div role="row" className="fleet-line fleet-group" style={{ transform: `translateY(${top}px)`, height: wide }} aria-rowindex={index + 2} data-area={head.area}>
      <span role="cell">
        <UnstyledButton onClick={() => toggle(head.area)} aria-expanded={head.open} fw={600}>
          <Icon size={16} /> {name}
        </UnstyledButton>
        <Text span size="sm" c="dimmed" ml="sm">
          {t('groupline', { n: number(head.n), off: number(head.off), bad: number(head.bad) })}
        </Text>
      </span>
    </div>
  );
}

type ClusterProps = { r: Row; index: number; top: number; height: number; isNew: boolean; age: string; area: string };

function Cluster({ r, index, top, height, isNew, age, area }: ClusterProps) {
  return (
    <div role="row" className="fleet-line" style={{ transform: `translateY(${top}px)`, height }} aria-rowindex={index + 2} data-agent={r.id} data-stale={!isNew || undefined}>
      <Cells r={r} isNew={isNew} area={area} />
      <span role="cell" data-col="age">{age}</span>
    </div>
  );
}

/** What changes with what the cluster says, not with each second. */
const Cells = memo(function Cells({ r, isNew, area }: { r: Row; isNew: boolean; area: string }) {
  const { t } = useTranslation(words);
  const clock = useClock();
  const link = r.state !== 'active' ? r.state : r.online ? 'online' : 'offline';
  const word = (is: string, more = '') => (
    <Badge color={tone(is, isNew)} title={isNew ? undefined : t('was', { word: t(`word.${is}`) })}>
      {t(`word.${is}`)}
      {more}
    </Badge>
  );
  return (
    <>
      <span role="cell" data-col="name">
        <Link href={`/fleet/${r.id}`}>{r.name}</Link>
      </span>
      <span role="cell" data-col="area">
        {area}
      </span>
      <span role="cell" data-col="link">
        <Badge color={link === 'online' ? (isNew ? 'green' : 'yellow') : link === 'offline' ? 'red' : 'gray'}>{t(link)}</Badge>
      </span>
      <span role="cell" data-col="card" data-label={t('col.card')}>{word(r.card)}</span>
      <span role="cell" data-col="clock" data-label={t('col.clock')}>{word(r.clock, r.offset_ms ? ` ${number(r.offset_ms)} ms` : '')}</span>
      <span role="cell" data-col="cache" data-label={t('col.cache')}>{word(r.cache, r.missing ? ` · ${t('missing', { n: r.missing })}` : '')}</span>
      <span role="cell" data-col="free">{r.free ? `${number(gigabytes(r.free), 1)} GB` : '–'}</span>
      <span role="cell" data-col="plan">{word(r.plan)}</span>
      <span role="cell" data-col="next">{r.playing && isNew ? t('playing', { title: r.playing }) : r.next ? clock.both(r.next) : t('nonext')}</span>
    </>
  );
});

/** The lines take the room that the window leaves them: see fleet.css. */
function useHeight(): number {
  const isNarrow = useMediaQuery('(max-width: 75em)', false, { getInitialValueInEffect: false });
  const isPhone = useMediaQuery('(max-width: 48em)', false, { getInitialValueInEffect: false });
  return isPhone ? narrow : isNarrow ? between : wide;
}
