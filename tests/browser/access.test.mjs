// For everybody: WCAG 2.2 AA as far as axe can tell, in light and dark; from a small phone to a wall; by keyboard alone.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { violations } from './browser/axe.mjs';
import { launch, signIn, URL_OF } from './browser/launch.mjs';
import { pages } from './browser/pages.mjs';

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

test('axe finds nothing on any page, in light and dark, and nothing is refused by the policy', async () => {
  const { page } = browser;
  const refused = [];
  page.on('console', (message) => message.type() === 'error' && refused.push(message.text()));
  await page.goto(URL_OF());
  assert.deepEqual(await violations(page), [], 'sign-in');
  await signIn(page);
  for (const { name, path, ready } of await pages()) {
    await page.goto(URL_OF(path));
    await page.getByRole('heading', { level: 1 }).waitFor();
    await ready?.(page);
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      assert.deepEqual(await violations(page), [], `${name}, ${colorScheme}`);
    }
  }
  assert.deepEqual(refused.filter((text) => text.includes('Content Security Policy')), []);
});

test('no page is wider than the screen, from 360 px to 4K', async () => {
  const { page } = browser;
  for (const { name, path } of await pages()) {
    await page.goto(URL_OF(path));
    await page.getByRole('heading', { level: 1 }).waitFor();
    for (const width of [360, 768, 3840]) {
      await page.setViewportSize({ width, height: 900 });
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(over <= 0, `${name} at ${width} px is ${over} px too wide`);
    }
  }
  await page.setViewportSize({ width: 1280, height: 900 });
});

test('a request can be made with the keyboard alone', async () => {
  const { page } = browser;
  await page.goto(URL_OF('/requests/new'));
  await page.getByRole('heading', { name: 'New request' }).waitFor();
  const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim() || document.activeElement?.getAttribute('name') || document.activeElement?.id);
  const tabTo = async (reached) => {
    for (let tabs = 0; tabs < 30; tabs += 1) {
      await page.keyboard.press('Tab');
      if (await page.evaluate(reached)) return;
    }
    assert.fail(`not reached by Tab; the focus is on ${await focused()}`);
  };
  await tabTo(() => document.activeElement?.tagName === 'TEXTAREA');
  await page.keyboard.type('by-keyboard');
  await tabTo(() => document.activeElement?.getAttribute('name') === 'type');
  for (let choice = 0; choice < 4; choice += 1) await page.keyboard.press('ArrowDown');
  await tabTo(() => document.activeElement?.getAttribute('type') === 'submit');
  assert.match(await focused(), /Suppress only: 1 person/);
  await page.keyboard.press('Enter');
  await page.getByText('Is this person suppressed?').waitFor();
});
