using GumbelGan.Randomness;

namespace GumbelGan.Evaluation;

/// <summary>
/// The mathematics of one divergence: its value between exact distributions, the plug-in from counts, and the 95% bracket (see
/// <see cref="SampleDivergences"/>). Throughout, p is the truth over K strings and q the model.
/// </summary>
internal abstract class Divergence
{
    /// <summary>In the order of <see cref="SampleDivergenceReport"/>.</summary>
    public static readonly Divergence[] All =
        [new ModelFromTrueDivergence(), new TrueFromModelDivergence(), new JensenShannonDivergence(), new TotalVariationDistance()];

    private static readonly double _quantile = ConfidenceInterval.NormalQuantile(0.95);

    /// <summary>
    /// The divergence between p and a model with the given probabilities among valid strings and mass <paramref name="validity"/> on them.
    /// </summary>
    public abstract double Exact(ReadOnlySpan<double> truth, ReadOnlySpan<double> modelGivenValid, double validity);

    /// <summary>Whether it reads valid samples alone, so that it rests on as many as there are of those.</summary>
    public virtual bool IsOfValidSamples => false;

    /// <summary>The lower and upper 95% limit.</summary>
    public abstract ConfidenceInterval Bracket(double[] truth, SampleCounts sample, double weight, double plugIn, RandomKey key);

    /// <summary>
    /// The divergence of the empirical distribution; NaN where nothing valid was sampled and it needs that. It visits the sampled strings only, since
    /// what the others add has a closed form, so its cost does not grow with the support.
    /// </summary>
    public abstract double PlugIn(double[] truth, SampleCounts sample);

    /// <summary>
    /// The largest allowed lower limit and the smallest allowed upper limit, from mean and variance of the witness and of the influence function.
    /// </summary>
    protected static ConfidenceInterval Limits(Moments witness, Moments influence, double plugIn) =>
        Limits(witness, influence.Variance, influence.Count, plugIn);

    /// <summary>The same where the variance of one sample's influence is known otherwise.</summary>
    protected static ConfidenceInterval Limits(Moments witness, double influenceVariance, long count, double plugIn)
    {
        double lower = Math.Max(0, witness.Mean - (_quantile * Math.Sqrt(2 * witness.Variance / witness.Count)));
        double upper = plugIn + (_quantile * Math.Sqrt(influenceVariance / count));
        return new(Math.Min(lower, upper), upper);
    }

    /// <summary>The smoothed probability that the other samples give to a string that occurs <paramref name="others"/> times among them.</summary>
    protected static double Smoothed(long others, long total, double weight, double truth) =>
        (weight * others / Math.Max(1, total - 1)) + ((1 - weight) * truth);

    /// <summary>Mean and variance of a value that occurs with given counts.</summary>
    protected struct Moments
    {
        private double _sum, _squares;

        public long Count { get; private set; }

        public readonly double Mean => _sum / Count;

        public readonly double Variance => Math.Max(0, (_squares / Count) - (Mean * Mean));

        public void Add(double value, long count)
        {
            if (count > 0)
            {
                _sum += count * value;
                _squares += count * value * value;
                Count += count;
            }
        }
    }
}

/// <summary>KL(q given valid || p) = sum q log(q/p).</summary>
internal sealed class ModelFromTrueDivergence : Divergence
{
    public override bool IsOfValidSamples => true;

    public override double Exact(ReadOnlySpan<double> truth, ReadOnlySpan<double> modelGivenValid, double validity)
    {
        if (validity == 0)
        {
            return double.NaN;
        }

        double sum = 0;
        for (int text = 0; text < truth.Length; text++)
        {
            double model = modelGivenValid[text];
            sum += model == 0 ? 0 : model * Math.Log(model / truth[text]);
        }

        return Math.Max(0, sum);
    }

    public override double PlugIn(double[] truth, SampleCounts sample)
    {
        double sum = 0;
        for (int seen = 0; seen < sample.Distinct; seen++)
        {
            double model = (double)sample.Counts[seen] / sample.Valid;
            sum += model * Math.Log(model / truth[sample.Texts[seen]]);
        }

        return sample.Valid == 0 ? double.NaN : Math.Max(0, sum);
    }

    public override ConfidenceInterval Bracket(double[] truth, SampleCounts sample, double weight, double plugIn, RandomKey key)
    {
        if (sample.Valid == 0)
        {
            return new(0, double.PositiveInfinity);
        }

        Moments witness = default, influence = default;
        for (int seen = 0; seen < sample.Distinct; seen++)
        {
            long count = sample.Counts[seen];
            double p = truth[sample.Texts[seen]];
            witness.Add(Math.Log(Smoothed(count - 1, sample.Valid, weight, p) / p), count);
            influence.Add(Math.Log((double)count / sample.Valid / p), count);
        }

        return Limits(witness, influence, plugIn);
    }
}

/// <summary>KL(p || q) = sum p log(p/q).</summary>
internal sealed class TrueFromModelDivergence : Divergence
{
    public override double Exact(ReadOnlySpan<double> truth, ReadOnlySpan<double> modelGivenValid, double validity)
    {
        double sum = 0;
        for (int text = 0; text < truth.Length; text++)
        {
            sum += truth[text] * Math.Log(truth[text] / (validity * modelGivenValid[text]));
        }

        return Math.Max(0, sum);
    }

    public override double PlugIn(double[] truth, SampleCounts sample)
    {
        if (sample.Distinct < truth.Length)
        {
            return double.PositiveInfinity;
        }

        double sum = 0;
        for (int seen = 0; seen < sample.Distinct; seen++)
        {
            double p = truth[sample.Texts[seen]];
            sum += p * Math.Log(p * sample.Total / sample.Counts[seen]);
        }

        return Math.Max(0, sum);
    }

    public override ConfidenceInterval Bracket(double[] truth, SampleCounts sample, double weight, double plugIn, RandomKey key)
    {
        if (sample.Valid == 0)
        {
            // The witness p / q~ cannot be formed.
            return new(0, double.PositiveInfinity);
        }

        // Nguyen, Wainwright and Jordan: KL(p || q) >= E_p log r - E_q r + 1 for any positive r; ours is p / q~. An invalid sample has p = 0, so r =
        // 0. A string that was not sampled has q~ = validity (1 - weight) p, hence the same r as all of them.
        double validity = (double)sample.Valid / sample.Total;
        double expectedLog = -(1 - sample.SeenMass(truth)) * Math.Log(validity * (1 - weight));
        for (int seen = 0; seen < sample.Distinct; seen++)
        {
            expectedLog += LogTerm(truth[sample.Texts[seen]], sample.Counts[seen], sample, weight, validity);
        }

        Moments witness = default, influence = default;
        witness.Add(expectedLog + 1, sample.Outside);
        influence.Add(0, sample.Outside);
        for (int seen = 0; seen < sample.Distinct; seen++)
        {
            long count = sample.Counts[seen];
            double p = truth[sample.Texts[seen]];
            double without = expectedLog - LogTerm(p, count, sample, weight, validity) + LogTerm(p, count - 1, sample, weight, validity);
            witness.Add(without - (p / (validity * Smoothed(count - 1, sample.Valid, weight, p))) + 1, count);
            influence.Add(p * sample.Total / count, count);
        }

        return Limits(witness, influence, plugIn);
    }

    private static double LogTerm(double truth, long others, SampleCounts sample, double weight, double validity) =>
        truth * Math.Log(truth / (validity * Smoothed(others, sample.Valid, weight, truth)));
}

/// <summary>JS(p, q) = (KL(p || m) + KL(q || m)) / 2 with m = (p + q) / 2.</summary>
internal sealed class JensenShannonDivergence : Divergence
{
    private const double LogTwo = 0.69314718055994530942;

    public override double Exact(ReadOnlySpan<double> truth, ReadOnlySpan<double> modelGivenValid, double validity)
    {
        // Every invalid string has p = 0 and adds q log(q / (q/2)) / 2, so only their total mass matters.
        double sum = (1 - validity) * LogTwo;
        for (int text = 0; text < truth.Length; text++)
        {
            sum += Term(truth[text], validity * modelGivenValid[text]);
        }

        return Math.Clamp(sum / 2, 0, LogTwo);
    }

    public override double PlugIn(double[] truth, SampleCounts sample)
    {
        // A string that was not sampled has q = 0 and adds p log 2.
        double sum = LogTwo * (((double)sample.Outside / sample.Total) + 1 - sample.SeenMass(truth));
        for (int seen = 0; seen < sample.Distinct; seen++)
        {
            sum += Term(truth[sample.Texts[seen]], (double)sample.Counts[seen] / sample.Total);
        }

        return Math.Clamp(sum / 2, 0, LogTwo);
    }

    public override ConfidenceInterval Bracket(double[] truth, SampleCounts sample, double weight, double plugIn, RandomKey key)
    {
        // JS >= E_q log(2 D) / 2 + E_p log(2 (1 - D)) / 2 for any D in (0, 1); ours is q~ / (q~ + p), and 1 outside the support.
        double validity = (double)sample.Valid / sample.Total;
        double expectation = (1 - sample.SeenMass(truth)) * Math.Log(2 / (1 + (validity * (1 - weight))));
        for (int seen = 0; seen < sample.Distinct; seen++)
        {
            expectation += TrueTerm(truth[sample.Texts[seen]], sample.Counts[seen], sample, weight, validity);
        }

        Moments witness = default, influence = default;
        witness.Add((LogTwo + expectation) / 2, sample.Outside);
        influence.Add(LogTwo / 2, sample.Outside);
        for (int seen = 0; seen < sample.Distinct; seen++)
        {
            long count = sample.Counts[seen];
            double p = truth[sample.Texts[seen]], q = (double)count / sample.Total,
                smoothed = validity * Smoothed(count - 1, sample.Valid, weight, p);
            double without = expectation - TrueTerm(p, count, sample, weight, validity) + TrueTerm(p, count - 1, sample, weight, validity);
            witness.Add((Math.Log(2 * smoothed / (smoothed + p)) + without) / 2, count);
            influence.Add(Math.Log(2 * q / (q + p)) / 2, count);
        }

        return Limits(witness, influence, plugIn);
    }

    private static double Term(double p, double q)
    {
        double middle = (p + q) / 2;
        return (p * Math.Log(p / middle)) + (q == 0 ? 0 : q * Math.Log(q / middle));
    }

    private static double TrueTerm(double truth, long others, SampleCounts sample, double weight, double validity) =>
        truth * Math.Log(2 * truth / ((validity * Smoothed(others, sample.Valid, weight, truth)) + truth));
}

/// <summary>TV(p, q) = sum |p - q| / 2.</summary>
internal sealed class TotalVariationDistance : Divergence
{
    public override double Exact(ReadOnlySpan<double> truth, ReadOnlySpan<double> modelGivenValid, double validity)
    {
        double sum = 1 - validity;
        for (int text = 0; text < truth.Length; text++)
        {
            sum += Math.Abs(truth[text] - (validity * modelGivenValid[text]));
        }

        return Math.Clamp(sum / 2, 0, 1);
    }

    public override double PlugIn(double[] truth, SampleCounts sample)
    {
        double sum = ((double)sample.Outside / sample.Total) + 1 - sample.SeenMass(truth);
        for (int seen = 0; seen < sample.Distinct; seen++)
        {
            sum += Math.Abs(truth[sample.Texts[seen]] - ((double)sample.Counts[seen] / sample.Total));
        }

        return Math.Clamp(sum / 2, 0, 1);
    }

    public override ConfidenceInterval Bracket(double[] truth, SampleCounts sample, double weight, double plugIn, RandomKey key)
    {
        // TV >= q(A) - p(A) for any event A; ours holds the strings more frequent than under p in one random half of the sample, and everything
        // invalid, and is judged on the other half. Leaving out one sample at a time, as for the smooth witnesses above, would
        // not do: near the threshold all samples of a string flip together, and the standard error would be far too small.
        (SampleCounts first, SampleCounts second) = Halves(sample, key);
        Moments witness = default;
        AddWitness(ref witness, truth, first, second);
        AddWitness(ref witness, truth, second, first);

        // One sample moves the plug-in by at most 1/n, so its variance is at most 1/4n (Efron and Stein); the delta method fails at the kinks of |p -
        // q|.
        return Limits(witness, 0.25, sample.Total, plugIn);
    }

    private static void AddWitness(ref Moments witness, double[] truth, SampleCounts chosenBy, SampleCounts judgedOn)
    {
        double eventMass = 0;
        for (int seen = 0; seen < chosenBy.Distinct; seen++)
        {
            eventMass += IsIn(seen) ? truth[chosenBy.Texts[seen]] : 0;
        }

        witness.Add(1 - eventMass, judgedOn.Outside);
        for (int seen = 0; seen < judgedOn.Distinct; seen++)
        {
            witness.Add((IsIn(seen) ? 1 : 0) - eventMass, judgedOn.Counts[seen]);
        }

        bool IsIn(int seen) => chosenBy.Counts[seen] > truth[chosenBy.Texts[seen]] * chosenBy.Total;
    }

    // Both halves list the same strings, some with count 0.
    private static (SampleCounts First, SampleCounts Second) Halves(SampleCounts sample, RandomKey key)
    {
        var random = new RandomStream(key);
        long Heads(long tosses)
        {
            long heads = 0;
            for (long toss = 0; toss < tosses; toss++)
            {
                heads += random.NextUInt32() & 1;
            }

            return heads;
        }

        long[] first = [.. sample.Counts.Select(Heads)];
        long outside = Heads(sample.Outside);
        long[] second = [.. sample.Counts.Zip(first, (all, taken) => all - taken)];
        return (new SampleCounts(sample.Texts, first, outside), new SampleCounts(sample.Texts, second, sample.Outside - outside));
    }
}
