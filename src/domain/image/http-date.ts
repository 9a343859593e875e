// The three date forms of HTTP. RFC 9110 §5.6.7.

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const TIME = '(\\d{2}):(\\d{2}):(\\d{2})';
const FORMS: readonly [RegExp, (m: RegExpExecArray) => [day: string, month: string, year: string]][] = [
  [new RegExp(`^[A-Za-z]{3}, (\\d{2}) ([A-Za-z]{3}) (\\d{4}) ${TIME} GMT$`), (m) => [m[1]!, m[2]!, m[3]!]],
  [new RegExp(`^[A-Za-z]+, (\\d{2})-([A-Za-z]{3})-(\\d{2}) ${TIME} GMT$`), (m) => [m[1]!, m[2]!, m[3]!]],
  [new RegExp(`^[A-Za-z]{3} ([A-Za-z]{3}) ([ \\d]\\d) ${TIME} (\\d{4})$`), (m) => [m[2]!, m[1]!, m[6]!]],
];
const CLOCKS = [4, 4, 3]; // index of the hour in each form

/**
 * Milliseconds since the epoch; undefined for a text that is not an HTTP date.
 * @param now milliseconds: two-digit years more than 50 years ahead of it belong to the past century
 */
export function parseHttpDate(text: string, now: number): number | undefined {
  for (const [i, [form, dateOf]] of FORMS.entries()) {
    const match = form.exec(text.trim());
    if (!match) continue;
    const [day, month, year] = dateOf(match);
    const clock = CLOCKS[i]!;
    const [hour, minute, second] = [match[clock], match[clock + 1], match[clock + 2]].map(Number);
    const at = Date.UTC(fullYear(year, now), MONTHS.indexOf(month), Number(day), hour, minute, second);
    const date = new Date(at);
    // Date.UTC normalizes impossible values: 31 Feb, 25:00. Only a leap second (60) may be normalized.
    const real = date.getUTCDate() === Number(day) && MONTHS[date.getUTCMonth()] === month;
    return real || second === 60 ? at : undefined;
  }
  return undefined;
}

function fullYear(year: string, now: number): number {
  if (year.length === 4) return Number(year);
  const current = new Date(now).getUTCFullYear();
  const candidate = current - (current % 100) + Number(year);
  return candidate > current + 50 ? candidate - 100 : candidate;
}
