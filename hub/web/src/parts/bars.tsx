import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { number } from '../time';

export type Bar = { name: string; whole: number; part: number };

/** Bars of a whole and the part of it, one for each name. What it shows must be in a table beside it. */
export default function Bars({ bars, whole, part, label }: { bars: Bar[]; whole: string; part: string; label: string }) {
  const box = useRef<HTMLDivElement>(null);
  const dark = useComputedColorScheme('light') === 'dark';
  useEffect(() => {
    const host = box.current;
    if (!host) return;
    const ink = dark ? '#c9d1d6' : '#3d4650';
    const line = dark ? '#39424a' : '#e2e7e9';
    const { bars: drawn } = uPlot.paths;
    const plot = new uPlot(
      {
        width: Math.max(host.clientWidth, 200), height: 260,
        scales: { x: { time: false, range: () => [-0.6, bars.length - 0.4] }, y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] } },
        cursor: { show: false },
        legend: { show: true, live: false },
        axes: [
          { stroke: ink, grid: { show: false }, ticks: { show: false }, font: '12px "Be Vietnam Pro"', splits: () => bars.map((_, i) => i), values: (_, at) => at.map((i) => bars[i]?.name ?? '') },
          { stroke: ink, grid: { stroke: line }, ticks: { show: false }, size: 64, font: '12px "Be Vietnam Pro"', values: (_, at) => at.map((v) => (Number.isInteger(v) ? number(v) : '')) },
        ],
        series: [
          {},
          { label: whole, fill: dark ? '#5a6770' : '#c3ccd1', stroke: dark ? '#5a6770' : '#8a969d', width: 1, paths: drawn?.({ size: [0.7, 64] }), points: { show: false } },
          { label: part, fill: dark ? '#2da392' : '#0b7a6d', stroke: dark ? '#2da392' : '#0b7a6d', width: 1, paths: drawn?.({ size: [0.45, 42] }), points: { show: false } },
        ],
      },
      [bars.map((_, i) => i), bars.map((b) => b.whole), bars.map((b) => b.part)],
      host,
    );
    const fit = new ResizeObserver(() => plot.setSize({ width: Math.max(host.clientWidth, 200), height: 260 }));
    fit.observe(host);
    return () => {
      fit.disconnect();
      plot.destroy();
    };
  }, [bars, whole, part, dark]);
  return <div ref={box} role="img" aria-label={label} style={{ width: '100%', minHeight: 290, overflow: 'hidden' }} />;
}
