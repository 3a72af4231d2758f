import { ActionIcon, Group, SegmentedControl, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { IconMoon, IconSun } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { speak } from '../i18n';

/** Language, and light or dark. */
export function Look() {
  const { t, i18n } = useTranslation();
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme('light') === 'dark';
  return (
    <Group gap="xs" wrap="nowrap">
      <SegmentedControl
        size="xs"
        aria-label={t('look.language')}
        value={i18n.language}
        onChange={(l) => void speak(l as 'vi' | 'en')}
        data={[
          { value: 'vi', label: 'VI' },
          { value: 'en', label: 'EN' },
        ]}
      />
      <ActionIcon variant="default" size="lg" aria-label={t(dark ? 'look.light' : 'look.dark')} onClick={() => setColorScheme(dark ? 'light' : 'dark')}>
        {dark ? <IconSun size={18} /> : <IconMoon size={18} />}
      </ActionIcon>
    </Group>
  );
}
