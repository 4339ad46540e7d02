// A short note that something was done, wherever the reader has gone meanwhile.

import { useEffect, useState } from 'preact/hooks';

const SEEN_MS = 6_000;

let show: ((text: string) => void) | undefined;

export const toast = (text: string): void => show?.(text);

export function Toast() {
  const [text, setText] = useState<string>();
  useEffect(() => {
    show = setText;
    return () => (show = undefined);
  }, []);
  useEffect(() => {
    if (!text) return;
    const timer = setTimeout(() => setText(undefined), SEEN_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <div class="toast" role="status">
      {text && <p>{text}</p>}
    </div>
  );
}
