/** Whether functions/intake/openapi.json describes what the page already asks for; tests of that wait for it. */
export const MERGED = false;
