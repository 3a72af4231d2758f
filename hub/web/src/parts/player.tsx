import { ActionIcon, Alert, Group, Skeleton, Text } from '@mantine/core';
import { useComputedColorScheme } from '@mantine/core';
import { IconPlayerPauseFilled, IconPlayerPlayFilled } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import WaveSurfer from 'wavesurfer.js';
import { http } from '../api/client';
import { nonce } from '../nonce';
import { length } from '../time';

const colours = (dark: boolean) =>
  dark ? { waveColor: '#5aa99d', progressColor: '#c4efe7', cursorColor: '#ffffff' } : { waveColor: '#5fa79c', progressColor: '#0b6b63', cursorColor: '#06514b' };

/**
 * A report to hear and to see: its peaks come from the hub, the audio as far as it is listened to. version is one of its
 * earlier audios; kept, in ms, leaves what is outside in the shade.
 */
export function Player({ report, duration, title, version, kept, onWave }: { report: string; duration: number; title: string; version?: number; kept?: [number, number]; onWave?: (wave: WaveSurfer) => void }) {
  const { t } = useTranslation();
  const box = useRef<HTMLDivElement>(null);
  const wave = useRef<WaveSurfer>(undefined);
  const [ready, setReady] = useState(false);
  const [failed, setFailed] = useState(false);
  const [playing, setPlaying] = useState(false);
  const [at, setAt] = useState(0);
  const dark = useComputedColorScheme('light') === 'dark';
  const isDark = useRef(dark);
  const tell = useRef(onWave);

  useEffect(() => {
    isDark.current = dark;
    wave.current?.setOptions(colours(dark));
  }, [dark]);

  useEffect(() => {
    let gone = false;
    const stop = new AbortController();
    void (async () => {
      const { data } = await http.GET('/reports/{id}/peaks', { params: { path: { id: report }, query: { version } }, parseAs: 'arrayBuffer', signal: stop.signal }).catch(() => ({ data: undefined }));
      if (gone || !box.current) return;
      if (!data) return setFailed(true);
      const peaks = Float32Array.from(new Int8Array(data), (v) => v / 127);
      const made = WaveSurfer.create({
        container: box.current, height: 96, cspNonce: nonce, peaks: [peaks], duration: duration / 1000, url: `/api/v1/reports/${report}/audio${version ? `?version=${version}` : ''}`,
        cursorWidth: 2, dragToSeek: true, ...colours(isDark.current),
      });
      made.on('ready', () => setReady(true));
      made.on('play', () => setPlaying(true));
      made.on('pause', () => setPlaying(false));
      made.on('timeupdate', setAt);
      made.on('error', () => setFailed(true));
      wave.current = made;
      tell.current?.(made);
    })();
    return () => {
      gone = true;
      stop.abort();
      wave.current?.destroy();
      wave.current = undefined;
    };
  }, [report, duration, version]);

  if (failed) return <Alert color="yellow">{t('report.failedwave')}</Alert>;
  return (
    <div>
      {!ready && <Skeleton height={96} />}
      <div style={{ position: 'relative', ...(ready ? {} : { position: 'absolute', visibility: 'hidden' }) }}>
        <div ref={box} className="wave" role="img" aria-label={`${t('report.wave')}: ${title}`} />
        {kept && <div className="shade" style={{ left: 0, width: `${(100 * kept[0]) / duration}%` }} />}
        {kept && <div className="shade" style={{ right: 0, width: `${100 - (100 * kept[1]) / duration}%` }} />}
      </div>
      <Group gap="sm" mt="xs" wrap="nowrap">
        <ActionIcon size="xl" radius="xl" variant="filled" disabled={!ready} aria-label={`${t(playing ? 'report.pause' : 'report.play')}: ${title}`} onClick={() => void wave.current?.playPause()}>
          {playing ? <IconPlayerPauseFilled size={20} /> : <IconPlayerPlayFilled size={20} />}
        </ActionIcon>
        <input
          type="range" min={0} max={Math.ceil(duration / 1000)} step={1} value={Math.round(at)} disabled={!ready} aria-label={t('report.position')}
          aria-valuetext={t('report.of', { at: length(at * 1000), all: length(duration) })} onChange={(e) => wave.current?.setTime(Number(e.currentTarget.value))} style={{ flex: 1, accentColor: 'var(--mantine-primary-color-filled)' }}
        />
        <Text size="sm" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
          {t('report.of', { at: length(at * 1000), all: length(duration) })}
        </Text>
      </Group>
    </div>
  );
}
