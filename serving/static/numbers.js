// Numbers as people read them. The minus sign is the real one, and exponents are superscripts without markup.

const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
const known = (value) => typeof value === "number" && Number.isFinite(value);
const minus = (text) => text.replace("-", "−");

/** Return 10 to a whole power as text. */
export const power = (exponent) => `10${[...String(exponent)].map((sign) => RAISED[sign]).join("")}`;

/** Return a number with so many decimals. */
export const fixed = (value, digits = 2) =>
  known(value) ? minus(value.toFixed(digits).replace(/^-(0(\.0*)?)$/, "$1")) : "–";

const LOWERED = "₀₁₂₃₄₅₆₇₈₉";

/** Return a formula with its amounts lowered, where there is no markup. */
export const lowered = (formula) =>
  formula.replaceAll(/(?<=[A-Za-z)\]])\d+(?:\.\d+)?/g, (amount) => amount.replaceAll(/\d/g, (digit) => LOWERED[digit]));

/** Return a positive number with so many significant digits, as a power of ten where it is far from 1. */
export function significant(value, digits = 2) {
  if (!known(value)) return "–";
  if (value === 0) return "0";
  if (Math.abs(value) >= 1e4 || Math.abs(value) < 1e-3) return scientific(value, digits);
  return minus(String(Number(value.toPrecision(digits))));
}

/** Return a number as mantissa and power of ten. */
export function scientific(value, digits = 2) {
  if (!known(value)) return "–";
  const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
  return `${minus(mantissa)} × ${power(Number(exponent))}`;
}

/** Return a conductivity [S/cm] with the unit that suits it; a list of them in one unit, that of the first. */
export function conductivity(values, digits = 2) {
  const inMilli = values[0] >= 1e-6;
  const shown = values.map((value) => significant(inMilli ? value * 1e3 : value, digits));
  return { shown, unit: inMilli ? "mS/cm" : "S/cm" };
}

/** Return an interval: `0.28 to 0.45`. */
export const range = (interval, digits = 2) =>
  interval ? `${fixed(interval.lower, digits)} to ${fixed(interval.upper, digits)}` : "–";

/** Return a probability in per cent. */
export const percent = (share, digits = 0) => `${fixed(100 * share, digits)} %`;

/** Return a time of the service as the reader's clock has it. */
export function time(text) {
  if (!text) return "–";
  const moment = new Date(text);
  return Number.isNaN(moment.valueOf())
    ? text
    : moment.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
}

/** Return a duration [s] in words. */
export function duration(seconds) {
  if (!known(seconds)) return "–";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${fixed(seconds / 3600, 1)} h`;
}
