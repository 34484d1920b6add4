// Sends an analog pulse sensor's signal over the serial line, 100 times a second, for `python -m training.record`.
//
// The sensor's signal goes to A0, its supply to 3.3 V or 5 V (whatever its maker says) and GND. Each sample is the mean
// of all conversions within its 10 ms, in sixteenths of a step, and its time is the middle of them.
// A line is P,<number>,<microseconds>,<value>,<CRC-16/CCITT-FALSE>; see training/recorder/line.py.

const int SIGNAL_PIN = A0;
const uint32_t PERIOD_US = 10000;

uint16_t number = 0;
uint32_t begin_us = 0;

uint16_t checksum(const char *text) {
  uint16_t crc = 0xFFFF;
  for (; *text; text++) {
    crc ^= (uint16_t)((uint8_t)*text) << 8;
    for (int bit = 0; bit < 8; bit++) {
      crc = (crc & 0x8000) ? (uint16_t)((crc << 1) ^ 0x1021) : (uint16_t)(crc << 1);
    }
  }
  return crc;
}

void setup() {
  Serial.begin(115200);
  begin_us = micros();
}

void loop() {
  uint32_t sum = 0;
  uint32_t count = 0;
  do {
    sum += (uint32_t)analogRead(SIGNAL_PIN);
    count++;
  } while ((uint32_t)(micros() - begin_us) < PERIOD_US);  // right also when micros() begins anew, after 71 minutes
  unsigned long value = (unsigned long)(sum * 16 / count);
  char line[48];
  char sealed[64];
  snprintf(line, sizeof line, "P,%u,%lu,%lu", (unsigned)number, (unsigned long)(begin_us + PERIOD_US / 2), value);
  snprintf(sealed, sizeof sealed, "%s,%04X", line, (unsigned)checksum(line));
  Serial.println(sealed);
  number++;
  begin_us += PERIOD_US;
  const uint32_t missed = (uint32_t)(micros() - begin_us) / PERIOD_US;
  number += (uint16_t)missed;  // the line was held up: samples that were not taken are lost, none gets an old time
  begin_us += missed * PERIOD_US;
}
