/* The margin pass of abm/day/call_and_return.py in plain C, for comparison: lag 0, no re-use, no event log.
   It works on the very arrays of the simulator, values as many accounts at once, and counts what
   that counts, so that both can be checked to move the same tokens and to come to the same totals. */
#include <stdint.h>

/* positions of abm/books/tally.py */
enum {
    MARGIN_CALLS, DELIVERY_CALLS, RETURN_CALLS, DELIVERY_CALL_VALUE, RETURN_CALL_VALUE, DELIVERIES,
    DELIVERED_VALUE, RETURNS, RETURNED_VALUE, TRANSFERS, BORROWER_ISSUANCES, BORROWER_ISSUED_VALUE,
    LENDER_ISSUANCES, LENDER_ISSUED_VALUE, UNMET_CALLS, UNMET_VALUE, BLOCKED_RETURNS = 24
};

enum { TOGETHER = 128 };

typedef struct {
    uint32_t lender, borrower, agreement;
    int32_t state, open_loans;
    int64_t exposure, required, upper, lower;
    double slack;
    int64_t value, advanced, unmet;
    int32_t unmet_days, calls, deliveries, returns;
} account_t;

typedef struct {
    int64_t daily, delivery_up, return_up, lender_issuance, minimum_transfer, every_call_issues,
        eligible;
} terms_t;

static int64_t whole(int64_t value, int64_t price, int64_t up) {
    return up ? (value + price - 1) / price : value / price;
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

void margin_pass(int64_t accounts, int64_t tokens, int64_t rows, account_t *account, int64_t *posted,
                 int64_t *wallet, int64_t *capacity, int64_t *minted, const int64_t *price,
                 const terms_t *terms, const uint32_t *priority, int8_t *calls, double *totals) {
    int64_t worth[TOGETHER];
    for (int64_t a = 0; a < accounts; a++) {
        account_t *me = account + a;
        int64_t *held = posted + a;
        if (a % TOGETHER == 0) {
            int64_t n = least(TOGETHER, accounts - a);
            for (int64_t i = 0; i < n; i++) worth[i] = 0;
            for (int64_t k = 0; k < tokens; k++) {
                const int64_t *column = posted + a + k * rows, each = price[k];
                for (int64_t i = 0; i < n; i++) worth[i] += each * column[i];
            }
        }
        calls[a] = 0;
        if (me->state || !me->open_loans) continue;
        const terms_t *t = terms + me->agreement;
        const uint32_t *order = priority + me->agreement * tokens;
        int64_t value = worth[a % TOGETHER];
        if (me->advanced) value -= price[order[0]] * me->advanced;
        me->value = value;
        int64_t missing = me->required - value;
        int64_t size = missing < 0 ? -missing : missing;
        if (size < t->minimum_transfer) ;
        else if (t->daily) calls[a] = missing > 0 ? 1 : missing < 0 ? 2 : 3;
        else if (value < me->lower || (me->unmet_days && missing > 0)) calls[a] = 1;
        else if (value > me->upper) calls[a] = 2;
        if (calls[a] != 1) { me->unmet = 0; me->unmet_days = 0; }
        if (!calls[a]) continue;
        me->calls++;
        totals[MARGIN_CALLS]++;
        totals[LENDER_ISSUANCES] += (double)t->every_call_issues;
        if (calls[a] == 1) { totals[DELIVERY_CALLS]++; totals[DELIVERY_CALL_VALUE] += (double)missing; }
        if (calls[a] != 2) continue;
        totals[RETURN_CALLS]++;
        totals[RETURN_CALL_VALUE] -= (double)missing;
        int64_t excess = -missing, moved = 0, given = 0;
        int64_t *back = wallet + me->borrower;
        for (int64_t j = t->eligible - 1; j >= 0 && excess > 0; j--) {
            int64_t k = order[j], n = held[k * rows];
            int enough = excess < n * price[k];
            if (enough) n = whole(excess, price[k], t->return_up);
            held[k * rows] -= n;
            back[k * rows] += n;
            moved += n * price[k];
            given += n;
            excess -= n * price[k];
            totals[TRANSFERS] += n > 0;
            if (enough) excess = 0;
        }
        if (!given && excess <= 0) totals[BLOCKED_RETURNS]++;
        me->value -= moved;
        if (excess > 0 && t->lender_issuance) {
            int64_t k = order[0], n = whole(excess, price[k], t->return_up);
            minted[k] += n;
            back[k * rows] += n;
            me->advanced += n;
            moved += n * price[k];
            totals[TRANSFERS]++;
            totals[LENDER_ISSUANCES] += (double)!t->every_call_issues;
            totals[LENDER_ISSUED_VALUE] += (double)(n * price[k]);
        }
        if (moved) { totals[RETURNS]++; totals[RETURNED_VALUE] += (double)moved; me->returns++; }
    }
    int64_t plan[16];
    for (int64_t a = 0; a < accounts; a++) {
        if (calls[a] != 1) continue;
        account_t *me = account + a;
        const terms_t *t = terms + me->agreement;
        const uint32_t *order = priority + me->agreement * tokens;
        int64_t *own = wallet + me->borrower, *left = capacity + me->borrower * tokens;
        int64_t *held = posted + a;
        int64_t missing = me->required - me->value, moved = 0, issued = 0;
        int64_t last = 0, met = 0;
        for (int64_t j = 0; j < t->eligible && !met; j++) {
            int64_t k = order[j], n = own[k * rows];
            plan[j] = 0;
            if (!n && t->delivery_up) continue;
            met = missing <= n * price[k] + (t->delivery_up ? 0 : price[k] - 1);
            if (met) n = whole(missing, price[k], t->delivery_up);
            plan[j] = n;
            missing -= n * price[k];
            last = j + 1;
        }
        int64_t left_to_mint = missing;
        for (int64_t j = 0; met ? j < last : j < t->eligible; j++) {
            int64_t k = order[j], n = plan[j], minted_now = 0;
            own[k * rows] -= n;
            if (!met) {
                int64_t wanted = whole(left_to_mint, price[k], t->delivery_up);
                minted_now = least(wanted, left[k]);
                if (left[k] < ((int64_t)1 << 62)) left[k] -= minted_now;
                minted[k] += minted_now;
                issued += minted_now * price[k];
                left_to_mint -= minted_now * price[k];
                n += minted_now;
                if (minted_now == wanted) met = 1;
            }
            if (!n) continue;
            int64_t repaid = j == 0 ? least(n, me->advanced) : 0;
            me->advanced -= repaid;
            held[k * rows] += n - repaid;
            moved += n * price[k];
            totals[TRANSFERS]++;
        }
        missing = me->required - me->value - moved;
        if (moved) { totals[DELIVERIES]++; totals[DELIVERED_VALUE] += (double)moved; me->deliveries++; }
        if (issued) { totals[BORROWER_ISSUANCES]++; totals[BORROWER_ISSUED_VALUE] += (double)issued; }
        me->value += moved;
        if (missing > 0) {
            me->unmet = missing;
            me->unmet_days++;
            totals[UNMET_CALLS]++;
            totals[UNMET_VALUE] += (double)missing;
        } else { me->unmet = 0; me->unmet_days = 0; }
    }
}
