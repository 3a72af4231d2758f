import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';
import type { MouseEvent } from 'react';

/** The green of rice fields in the evening; red is kept for what is urgent. */
const loa: MantineColorsTuple = ['#e6f7f4', '#cdebe6', '#9fd6cd', '#6ec1b4', '#47af9f', '#2da392', '#14907f', '#0b7a6d', '#0b6b63', '#06514b'];

export const theme = createTheme({
  primaryColor: 'loa',
  primaryShade: { light: 8, dark: 8 },
  colors: { loa },
  fontFamily: "'Be Vietnam Pro', system-ui, sans-serif",
  headings: { fontFamily: "'Be Vietnam Pro', system-ui, sans-serif", fontWeight: '600', sizes: { h1: { fontSize: '1.5rem' }, h2: { fontSize: '1.15rem' }, h3: { fontSize: '1rem' } } },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    // What a label says must be read by a machine too: Mantine's defaults mark required fields by colour alone.
    Badge: { defaultProps: { variant: 'light', tt: 'none', fw: 500 } },
    Card: { defaultProps: { withBorder: true, padding: 'md' } },
    // A browser calls it no change when the same file is chosen again, mended or after a failure.
    FileButton: { defaultProps: { inputProps: { onClick: (e: MouseEvent<HTMLInputElement>) => (e.currentTarget.value = '') } } },
    Table: { defaultProps: { verticalSpacing: 'sm', highlightOnHover: true } },
  },
});

/** Mantine's own greys miss the contrast of 4.5 to 1 that WCAG 2.2 AA asks of small text. */
export const resolver: CSSVariablesResolver = (t) => ({
  variables: {},
  light: {
    '--mantine-color-body': '#fbfcfb',
    '--mantine-color-dimmed': '#52606a',
    '--mantine-color-placeholder': '#5f6b75',
    '--mantine-color-error': '#b42318',
    '--mantine-color-loa-light': t.colors.loa?.[0] ?? '',
    '--mantine-color-loa-light-color': '#0a5a53',
    '--mantine-color-gray-light-color': '#3d4650',
    '--mantine-color-gray-light': '#e9edef',
    '--mantine-color-green-light-color': '#1b6a30',
    '--mantine-color-yellow-light-color': '#7a4b00',
    '--mantine-color-orange-light-color': '#8f3d00',
    '--mantine-color-red-light-color': '#a61b1b',
    '--mantine-color-blue-light-color': '#14508f',
    '--mantine-color-anchor': '#0a5f58',
  },
  dark: {
    '--mantine-color-dimmed': '#a9b4bb',
    '--mantine-color-placeholder': '#9aa6ae',
    '--mantine-color-error': '#ff9c94',
    '--mantine-color-anchor': '#7fd3c6',
    '--mantine-color-loa-light-color': '#8fdccf',
    '--mantine-color-loa-text': '#8fdccf',
  },
});
