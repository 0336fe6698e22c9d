using System.Globalization;
using GumbelGan.Evaluation.Report;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Primer.Chapters;

/// <summary>A variational autoencoder with categorical latents on bars and stripes, its bound beside the exact log-likelihood.</summary>
/// <remarks>N images, P pixels an image, L latents of K values each, C = K^L codes, R draws of noise an image.</remarks>
internal static class AutoencoderChapter
{
    private const int Side = 4, Pixels = Side * Side, Latents = 3, Values = 4, Codes = 64, Hidden = 64, Repeats = 4;
    private const int Steps = 3000, Every = 50;

    // What training believes the bound to be is the mean over its last steps.
    private const int BelievedSteps = 200;

    public static Chapter Entry { get; } = new("autoencoder", "An autoencoder whose code is a choice", Measure);

    private static void Measure(Notebook notebook)
    {
        using DisposeScope everything = NewDisposeScope();
        Tensor images = BarsAndStripes(); // [N, P]
        Trained hard = Train(notebook, images, "straight_through", "straight-through, temperature 1", StraightThroughRelaxation.Entry, 1);
        Trained cold = Train(notebook, images, "soft_cold", "soft, 1 falling to 0.5", SoftRelaxation.Entry, 0.5);
        Trained warm = Train(notebook, images, "soft_warm", "soft, 1", SoftRelaxation.Entry, 1);
        double best = Ceiling((int)images.shape[0]);
        notebook.Number("images", images.shape[0]);
        notebook.Number("codes", Codes);
        notebook.Number("log_likelihood_best", best);
        notebook.Number("log_likelihood_before", hard.Likelihood.First);
        string[] headings = ["trained through", "what training believes", "ELBO, exact", "log-likelihood, exact", "gap"];
        notebook.Table("compared", headings, hard.Row, cold.Row, warm.Row);
        notebook.Chart("bound", new LineChart("Log-likelihood of an image and its bound, nats", "step",
        [
            hard.Likelihood.Line, hard.Bound.Line, cold.Bound.Line, warm.Bound.Line, hard.Bound.Level("best that 64 codes can do", best),
        ]));
        using IDisposable off = no_grad();
        Tensor found = hard.Encoder.Forward(images).view(-1, Values).argmax(1); // [N L]
        Tensor thrown = GumbelSoftmax.Noise(notebook.Key.Derive("prior"), images.shape[0] * Latents, Values).argmax(1); // [N L], of fair dice
        notebook.Pictures("pictures", new PixelPictures("Bars and stripes, straight-through", Side,
        [
            ("all images", Rows(images)),
            ("what each comes back as", Rows(hard.Decoder.Forward(OneHots(found)).sigmoid())),
            ("30 codes drawn at random", Rows(hard.Decoder.Forward(OneHots(thrown)).sigmoid())),
        ]));
    }

    private static Trained Train(Notebook notebook, Tensor images, string name, string heading, Relaxation relaxation, double lowestTemperature)
    {
        RandomKey key = notebook.Key;
        var encoder = new Perceptron(key.Derive("encoder"), Pixels, Hidden, Latents * Values);
        var decoder = new Perceptron(key.Derive("decoder"), Latents * Values, Hidden, Pixels);
        Curve bound = new($"ELBO, {heading}"), likelihood = new($"log-likelihood, {heading}");
        double believed = 0;
        using optim.Optimizer optimizer = optim.Adam([.. encoder.Parameters, .. decoder.Parameters], lr: 0.005);
        for (int step = 0; step <= Steps; step++)
        {
            using DisposeScope scope = NewDisposeScope();
            if (step % Every == 0)
            {
                (double lower, double exact) = Exact(encoder, decoder, images);
                bound.Add(step, lower);
                likelihood.Add(step, exact);
            }

            double temperature = Math.Max(lowestTemperature, Math.Exp(-step / 1000.0));
            Tensor seen = images.repeat(Repeats, 1); // [R N, P]
            Tensor logits = encoder.Forward(seen).view(-1, Values); // [R N L, K]
            Tensor noise = GumbelSoftmax.Noise(key.Derive((ulong)step), logits.shape[0], Values); // [R N L, K]
            Tensor code = GumbelSoftmax.Sample(logits, noise, temperature, relaxation).view(-1, Latents * Values); // [R N, L K]
            Tensor mistakes = nn.functional.binary_cross_entropy_with_logits(decoder.Forward(code), seen, reduction: nn.Reduction.Sum);
            Tensor loss = (mistakes + Divergence(logits)) / seen.shape[0];
            believed -= step > Steps - BelievedSteps ? loss.item<float>() / BelievedSteps : 0;
            optimizer.zero_grad();
            loss.backward();
            optimizer.step();
        }

        double gap = likelihood.Last - bound.Last;
        notebook.Number($"believed_{name}", believed);
        notebook.Number($"elbo_{name}", bound.Last);
        notebook.Number($"log_likelihood_{name}", likelihood.Last);
        notebook.Number($"gap_{name}", gap);
        return new Trained(encoder, decoder, bound, likelihood, Numbers.Row(heading, "0.00", believed, bound.Last, likelihood.Last, gap));
    }

    // Each row, or each column, of an image is all ink or all paper: [N, P].
    private static Tensor BarsAndStripes()
    {
        string[] lines = [.. Enumerable.Range(0, 1 << Side).Select(pattern => pattern.ToString($"b{Side}", CultureInfo.InvariantCulture))];
        IEnumerable<string> bars = lines.Select(line => string.Concat(line.Select(ink => new string(ink, Side))));
        IEnumerable<string> stripes = lines.Select(line => string.Concat(Enumerable.Repeat(line, Side)));
        return stack([.. bars.Union(stripes).Select(image => tensor([.. image.Select(ink => ink - (float)'0')]))]);
    }

    // KL divergence of the latents from fair dice in nats, summed over latents and images: sum q (ln q + ln K).
    private static Tensor Divergence(Tensor logits) => (logits.softmax(-1) * (logits.log_softmax(-1) + Math.Log(Values))).sum();

    // The mean over images, in nats, of ELBO = sum_z q(z|x) (ln p(x|z) - ln q(z|x) + ln p(z)) and of ln p(x) = ln sum_z p(z) p(x|z).
    // Both sums go over every code z, so that neither number is an estimate.
    private static (double Bound, double Likelihood) Exact(Perceptron encoder, Perceptron decoder, Tensor images)
    {
        using IDisposable off = no_grad();
        Tensor places = tensor([1L, Values, Values * Values]); // [L]
        Tensor codes = OneHots(arange(Codes).unsqueeze(1).div(places, RoundingMode.floor).remainder(Values)); // [C, L K]
        Tensor ink = decoder.Forward(codes); // [C, P]
        Tensor given = images.mm(nn.functional.logsigmoid(ink).t()) + (1 - images).mm(nn.functional.logsigmoid(-ink).t()); // [N, C], ln p(x|z)
        Tensor joint = given - Math.Log(Codes); // [N, C], ln p(x, z)
        Tensor logarithms = encoder.Forward(images).view(-1, Latents, Values).log_softmax(-1).view(-1, Latents * Values); // [N, L K]
        Tensor posterior = logarithms.mm(codes.t()); // [N, C], ln q(z|x)
        return ((posterior.exp() * (joint - posterior)).sum(1).mean().item<float>(), joint.logsumexp(1).mean().item<float>());
    }

    private static Tensor OneHots(Tensor values) => GumbelSoftmax.OneHot(values, Values).view(-1, Latents * Values); // [N L] to [N, L K]

    // The highest log-likelihood: the codes are shared among the images as evenly as possible, and one with m of the 64 has probability m / 64.
    private static double Ceiling(int images) =>
        Enumerable.Range(0, images).Average(image => Math.Log((double)(Codes / images + (image < Codes % images ? 1 : 0)) / Codes));

    private static float[][] Rows(Tensor images) => [.. images.data<float>().ToArray().Chunk(Pixels)];

    private sealed record Trained(Perceptron Encoder, Perceptron Decoder, Curve Bound, Curve Likelihood, string[] Row);
}
