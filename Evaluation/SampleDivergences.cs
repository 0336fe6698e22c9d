using GumbelGan.Randomness;

namespace GumbelGan.Evaluation;

/// <summary>
/// How far a model lies from an exactly known distribution, judged by samples alone.
/// </summary>
/// <remarks>
/// <para>
/// Write p for the truth over K strings, q for the model, q^ for the empirical distribution of n samples. D(q^, p) overestimates D(q, p) on
/// average, by about (K-1)/2n for the Kullback-Leibler divergence, since every divergence here is convex in q. Three answers to that:
/// </para>
/// <para>
/// The <em>bracket</em>. Above: by Jensen's inequality E D(q^, p) >= D(q, p), so the plug-in plus 1.96 of its standard errors (delta method;
/// for total variation the bound 1/(2 sqrt n) of Efron and Stein) is an upper limit. Below: the variational form of a divergence (Donsker and
/// Varadhan 1975; Nguyen, Wainwright and Jordan 2010; for total variation the supremum over events) bounds it from below by the expectation of any
/// witness; ours for sample i is made of the other n-1 samples (for total variation, of the other random half), so the average over samples is
/// unbiased for a lower bound, up to the O(1/n) liberty of taking w and the validity rate from all samples. Standard errors there are taken sqrt(2)
/// times: at q = p the leave-one-out average is a degenerate U-statistic with twice the naive variance, and two halves that judge each other are at
/// worst perfectly correlated.
/// </para>
/// <para>
/// The <em>corrected</em> value subtracts the bias that the plug-in has under q~ = w q^ + (1-w) p (parametric bootstrap), with w chosen by
/// leave-one-out likelihood: q~ is close to p for a good model, where the bias is large, and to q^ for a collapsed one, where it is nil.
/// </para>
/// <para>
/// The <em>perfect sampler</em>: the same statistic on as many samples from p itself, simulated; its mean and p-value.
/// </para>
/// </remarks>
public static class SampleDivergences
{
    /// <summary>Estimates every divergence, coverage and validity.</summary>
    /// <typeparam name="T">Strings or sequences of ids.</typeparam>
    /// <param name="truth">The exactly known distribution p.</param>
    /// <param name="samples">Independent samples of the model, duplicates and invalid ones included; at least two.</param>
    /// <param name="key">Which random numbers the simulations use; equal keys give equal results on any number of threads.</param>
    /// <param name="replicates">How many samples are simulated, from p and from the fitted mixture each.</param>
    /// <exception cref="ArgumentException">There are fewer than two samples.</exception>
    public static SampleDivergenceReport Estimate<T>(KnownDistribution<T> truth, IEnumerable<T> samples, RandomKey key, int replicates = 200)
        where T : notnull
    {
        (long[] counts, long outside) = truth.Count(samples);
        return Estimate(truth.Probabilities, counts, outside, key, replicates);
    }

    /// <summary>The same from counts.</summary>
    /// <param name="probabilities">p, positive, summing to 1; [K].</param>
    /// <param name="counts">How often each string was sampled; [K].</param>
    /// <param name="outside">How many samples are none of the K strings.</param>
    /// <param name="key">Which random numbers the simulations use.</param>
    /// <param name="replicates">How many samples are simulated, from p and from the fitted mixture each.</param>
    /// <exception cref="ArgumentException">There are fewer than two samples.</exception>
    public static SampleDivergenceReport Estimate(ReadOnlySpan<double> probabilities, ReadOnlySpan<long> counts, long outside, RandomKey key,
        int replicates = 200)
    {
        double[] truth = probabilities.ToArray();
        SampleCounts sample = SampleCounts.Of(counts, outside);
        if (sample.Total < 2)
        {
            throw new ArgumentException("Divergences need at least two samples.", nameof(counts));
        }

        double weight = MixtureWeight(truth, sample);
        double[] fitted = Mixture(truth, sample, weight);
        double[][] perfect = Simulate(truth, truth, 0, sample.Total, key.Derive("perfect sampler"), replicates);
        double[][] perfectOfValid =
            outside == 0 ? perfect : Simulate(truth, truth, 0, sample.Valid, key.Derive("perfect sampler"), replicates);
        double[][] bootstrap =
            Simulate(truth, fitted, sample.Total == 0 ? 0 : (double)outside / sample.Total, sample.Total, key.Derive("fitted mixture"), replicates);
        double validity = (double)sample.Valid / sample.Total;

        var estimates = new DivergenceEstimate[Divergence.All.Length];
        for (int which = 0; which < estimates.Length; which++)
        {
            Divergence divergence = Divergence.All[which];
            double plugIn = divergence.PlugIn(truth, sample);
            ConfidenceInterval interval = divergence.Bracket(truth, sample, weight, plugIn, key.Derive("halves"));
            double bias = bootstrap[which].Average() - divergence.Exact(truth, fitted, validity);
            double corrected = double.IsFinite(plugIn)
                && double.IsFinite(bias) ? Math.Clamp(plugIn - bias, interval.Lower, interval.Upper) : double.NaN;
            // In ascending order a sum of positive numbers rounds least.
            double[] sorted = [.. (divergence.IsOfValidSamples ? perfectOfValid : perfect)[which].Order()];
            double atLeast = double.IsNaN(plugIn) ? double.NaN : sorted.Count(value => value >= plugIn);
            estimates[which] = new DivergenceEstimate(plugIn, corrected, interval, sorted.Average(), (1 + atLeast) / (1 + sorted.Length));
        }

        return new SampleDivergenceReport(
            sample.Total,
            truth.Length,
            validity,
            estimates[0],
            estimates[1],
            estimates[2],
            estimates[3],
            CoverageOf(truth, sample));
    }

    private static Coverage CoverageOf(double[] truth, SampleCounts sample)
    {
        double expectedMass = 0, expectedSeen = 0;
        foreach (double probability in truth)
        {
            double met = 1 - Math.Pow(1 - probability, sample.Total);
            expectedMass += probability * met;
            expectedSeen += met;
        }

        return new Coverage(sample.SeenMass(truth), (double)sample.Distinct / truth.Length, expectedMass, expectedSeen / truth.Length);
    }

    // Maximises the leave-one-out likelihood of w q^ + (1-w) p, which is concave in w, by bisection on its derivative.
    private static double MixtureWeight(double[] truth, SampleCounts sample)
    {
        if (sample.Valid < 2)
        {
            return 0;
        }

        double low = 0, high = 1 - (1.0 / (sample.Valid + 1.0));
        for (int iteration = 0; iteration < 60; iteration++)
        {
            double weight = (low + high) / 2, slope = 0;
            for (int seen = 0; seen < sample.Distinct; seen++)
            {
                double others = (sample.Counts[seen] - 1.0) / (sample.Valid - 1.0), p = truth[sample.Texts[seen]];
                slope += sample.Counts[seen] * (others - p) / ((weight * others) + ((1 - weight) * p));
            }

            (low, high) = slope > 0 ? (weight, high) : (low, weight);
        }

        return low;
    }

    // The fitted distribution over valid strings; [K], sums to 1.
    private static double[] Mixture(double[] truth, SampleCounts sample, double weight)
    {
        double[] mixture = [.. truth.Select(probability => (1 - weight) * probability)];
        for (int seen = 0; seen < sample.Distinct; seen++)
        {
            mixture[sample.Texts[seen]] += weight * sample.Counts[seen] / sample.Valid;
        }

        return mixture;
    }

    // Plug-in divergences of simulated samples: [divergence][replicate].
    private static double[][] Simulate(double[] truth, double[] model, double outside, long total, RandomKey key, int replicates)
    {
        double[] cumulative = new double[model.Length];
        double sum = 0;
        for (int text = 0; text < model.Length; text++)
        {
            cumulative[text] = sum += model[text];
        }

        double[][] values = [.. Divergence.All.Select(_ => new double[replicates])];
        Parallel.For(0, replicates, replicate =>
        {
            var random = new RandomStream(key.Derive((ulong)replicate));
            var texts = new List<int>((int)total);
            long invalid = 0;
            for (long draw = 0; draw < total; draw++)
            {
                if (outside > 0 && random.NextDouble() < outside)
                {
                    invalid++;
                    continue;
                }

                int place = Array.BinarySearch(cumulative, random.NextDouble() * sum);
                texts.Add(Math.Min(model.Length - 1, place < 0 ? ~place : place + 1));
            }

            SampleCounts simulated = SampleCounts.Of(texts, invalid);
            for (int which = 0; which < values.Length; which++)
            {
                values[which][replicate] = Divergence.All[which].PlugIn(truth, simulated);
            }
        });
        return values;
    }
}

/// <summary>What <see cref="SampleDivergences"/> reports; divergences in nats.</summary>
/// <param name="Samples">How many samples were judged, n.</param>
/// <param name="SupportSize">How many strings the truth has, K.</param>
/// <param name="Validity">The share of samples inside the support. Quality only: a model that repeats one valid string has 1.</param>
/// <param name="ModelFromTrue">
/// KL(model || true) of the model conditioned on validity (without that one invalid sample makes it infinite): the price of what is generated too
/// often.
/// </param>
/// <param name="TrueFromModel">
/// KL(true || model), invalid mass included: the price of what is missing. Infinite plug-in unless every string was sampled; its lower limit is
/// always finite.
/// </param>
/// <param name="JensenShannon">Jensen-Shannon divergence, in [0, log 2], invalid mass included.</param>
/// <param name="TotalVariation">Total variation, in [0, 1], invalid mass included.</param>
/// <param name="Coverage">How much of the truth the samples met.</param>
public sealed record SampleDivergenceReport(
    long Samples,
    int SupportSize,
    double Validity,
    DivergenceEstimate ModelFromTrue,
    DivergenceEstimate TrueFromModel,
    DivergenceEstimate JensenShannon,
    DivergenceEstimate TotalVariation,
    Coverage Coverage);

/// <summary>
/// How much of the true distribution a sample met. It grows with the sample: compare with a perfect sampler of the same size, given beside it.
/// </summary>
/// <param name="Mass">True probability of the distinct strings sampled.</param>
/// <param name="SupportShare">Distinct strings sampled over strings there are.</param>
/// <param name="PerfectMass">The expectation of <paramref name="Mass"/> for a perfect sampler, closed form: sum of p (1 - (1-p)^n).</param>
/// <param name="PerfectSupportShare">The expectation of <paramref name="SupportShare"/> for a perfect sampler.</param>
public sealed record Coverage(double Mass, double SupportShare, double PerfectMass, double PerfectSupportShare);

/// <summary>
/// Counts of one sample: <paramref name="Counts"/>[i] times the string numbered <paramref name="Texts"/>[i], and how many outside the support.
/// </summary>
internal sealed record SampleCounts(int[] Texts, long[] Counts, long Outside)
{
    /// <summary>Strings listed.</summary>
    public int Distinct => Texts.Length;

    /// <summary>Samples inside the support.</summary>
    public long Valid { get; } = Counts.Sum();

    /// <summary>All samples.</summary>
    public long Total => Valid + Outside;

    /// <summary>From one count a string of the support.</summary>
    public static SampleCounts Of(ReadOnlySpan<long> counts, long outside)
    {
        var texts = new List<int>();
        var positive = new List<long>();
        for (int text = 0; text < counts.Length; text++)
        {
            if (counts[text] > 0)
            {
                texts.Add(text);
                positive.Add(counts[text]);
            }
        }

        return new SampleCounts([.. texts], [.. positive], outside);
    }

    /// <summary>From the number of each valid sample's string, in any order; <paramref name="samples"/> is sorted.</summary>
    public static SampleCounts Of(List<int> samples, long outside)
    {
        samples.Sort();
        var texts = new List<int>();
        var counts = new List<long>();
        foreach (int text in samples)
        {
            if (texts.Count > 0 && texts[^1] == text)
            {
                counts[^1]++;
            }
            else
            {
                texts.Add(text);
                counts.Add(1);
            }
        }

        return new SampleCounts([.. texts], [.. counts], outside);
    }

    /// <summary>The true probability of the listed strings.</summary>
    public double SeenMass(double[] truth) => Texts.Sum(text => truth[text]);
}
