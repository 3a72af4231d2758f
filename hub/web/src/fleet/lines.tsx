import { Badge, Text, UnstyledButton } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { IconArrowDown, IconArrowUp, IconChevronDown, IconChevronRight } from '@tabler/icons-react';
import type { Row as TableRow, Table } from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import type { Row } from '../api/fleet';
import { words } from '../i18n/fleet';
import { number, useClock } from '../time';
import './fleet.css';
import { ago, gigabytes, isFresh, tone, troubles } from './state';

const wide = 44;
const narrow = 92;
const between = 64;

/** All lines of a table, of which only those in sight exist. */
export function Lines({ table, now, areaName }: { table: Table<Row>; now: number; areaName: (code: string) => string }) {
  const { t } = useTranslation(words);
  const box = useRef<HTMLDivElement>(null);
  const { rows } = table.getRowModel();
  const height = useHeight();
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => box.current, estimateSize: (i) => (rows[i]!.getIsGrouped() ? wide : height), overscan: 8, getItemKey: (i) => rows[i]!.id });
  const grouped = table.getState().grouping.length > 0;
  const open = table.getState().expanded;
  useEffect(() => virtual.measure(), [virtual, height, grouped, open]);
  return (
    <div className="fleet" ref={box} role="table" aria-label={t('title')} aria-rowcount={rows.length + 1} tabIndex={0}>
      <div role="rowgroup" className="fleet-head">
        <div role="row" className="fleet-line" aria-rowindex={1}>
          {table.getAllLeafColumns().map((c) => {
            const by = c.getIsSorted();
            return (
              <span role="columnheader" key={c.id} data-col={c.id} aria-sort={by === 'asc' ? 'ascending' : by === 'desc' ? 'descending' : 'none'}>
                <UnstyledButton size="sm" fw={600} onClick={c.getToggleSortingHandler()} title={t('sort', { by: t(`col.${c.id}`) })}>
                  {t(`col.${c.id}`)} {by === 'asc' ? <IconArrowUp size={13} /> : by === 'desc' ? <IconArrowDown size={13} /> : null}
                </UnstyledButton>
              </span>
            );
          })}
        </div>
      </div>
      <div role="rowgroup" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
        {virtual.getVirtualItems().map((v) => {
          const row = rows[v.index]!;
          const place = { transform: `translateY(${v.start}px)`, height: v.size };
          return row.getIsGrouped() ? (
            <GroupLine key={v.key} row={row} index={v.index} style={place} name={areaName(row.getGroupingValue('area') as string)} />
          ) : (
            <Line key={v.key} r={row.original} index={v.index} y={v.start} h={v.size} now={now} area={areaName(row.original.area)} />
          );
        })}
      </div>
    </div>
  );
}

function GroupLine({ row, index, style, name }: { row: TableRow<Row>; index: number; style: object; name: string }) {
  const { t } = useTranslation(words);
  const leaves = row.getLeafRows().filter((l) => !l.getIsGrouped());
  const open = row.getIsExpanded();
  const off = leaves.filter((l) => troubles(l.original).includes('offline')).length;
  const bad = leaves.filter((l) => troubles(l.original).length > 0).length;
  const Icon = open ? IconChevronDown : IconChevronRight;
  return (
    <div role="row" className="fleet-line fleet-group" style={style} aria-rowindex={index + 2} data-area={row.getGroupingValue('area') as string}>
      <span role="cell">
        <UnstyledButton onClick={row.getToggleExpandedHandler()} aria-expanded={open} fw={600}>
          <Icon size={16} /> {name}
        </UnstyledButton>
        <Text span size="sm" c="dimmed" ml="sm">
          {t('groupline', { n: number(leaves.length), off: number(off), bad: number(bad) })}
        </Text>
      </span>
    </div>
  );
}

type LineProps = { r: Row; index: number; y: number; h: number; now: number; area: string };

const Line = memo(function Line({ r, index, y, h, now, area }: LineProps) {
  const { t } = useTranslation(words);
  const clock = useClock();
  const isNew = isFresh(r, now);
  const link = r.state !== 'active' ? r.state : r.online ? 'online' : 'offline';
  const word = (is: string, more = '') => (
    <Badge color={tone(is, isNew)} title={isNew ? undefined : t('was', { word: t(`word.${is}`) })}>
      {t(`word.${is}`)}
      {more}
    </Badge>
  );
  return (
    <div role="row" className="fleet-line" style={{ transform: `translateY(${y}px)`, height: h }} aria-rowindex={index + 2} data-agent={r.id} data-stale={!isNew || undefined}>
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
      <span role="cell" data-col="age">{ago(t, r.status_at ?? r.last_seen, now)}</span>
    </div>
  );
});


/** The lines take the room that the window leaves them: see fleet.css. */
function useHeight(): number {
  const isNarrow = useMediaQuery('(max-width: 75em)', false, { getInitialValueInEffect: false });
  const isPhone = useMediaQuery('(max-width: 48em)', false, { getInitialValueInEffect: false });
  return isPhone ? narrow : isNarrow ? between : wide;
}
