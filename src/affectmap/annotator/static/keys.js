// Which key asks for what. Letters and digits count by their place on the keyboard where the layout has others there
// (Greek, Urdu), and digits where they need Shift (French).

const NAMED = {
  " ": "play", Enter: "confirm", Backspace: "undo", "?": "help",
  ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right",
};
const LETTERS = { x: "cannot-tell", c: "comment", u: "undo", s: "speed", h: "help" };

/** The action that a key press asks for: {name, value}, or null. */
export function actionOf(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  const { key, code } = event;
  if (NAMED[key]) return { name: NAMED[key] };
  if (/^[1-9]$/.test(key)) return { name: "emotion", value: Number(key) };
  if (/^Digit[1-9]$/.test(code)) return { name: "emotion", value: Number(code.slice(5)) };
  const letter = /^[a-z]$/i.test(key) ? key.toLowerCase() : code.replace(/^Key/, "").toLowerCase();
  return LETTERS[letter] ? { name: LETTERS[letter] } : null;
}

/** The list of keys for the help: pairs of what to press and what it does. */
export function keyTable(word, settings) {
  const rows = [
    [word("key_space"), word("key_play")],
    ["← → ↑ ↓", word(settings.continuous ? "key_move_fine" : "key_move")],
    [word("key_enter"), word("key_confirm")],
    ["X", word("key_cannot_tell")],
    ["U", word("key_undo")],
    ["S", word("key_speed")],
    ["?", word("key_help")],
  ];
  if (settings.comment) rows.splice(4, 0, ["C", word("key_comment")]);
  const n = Math.min(9, settings.emotions.length);
  if (n) rows.splice(3, 0, [n > 1 ? `1 – ${n}` : "1", word("key_emotion")]);
  return rows;
}
