// Puts the visitor's own time zone into a form that still holds the usual one. Without it the
// form works as well: the field can be changed by hand.
for (const field of document.querySelectorAll("input[data-guess]")) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && field.value === field.defaultValue) field.value = zone;
}
