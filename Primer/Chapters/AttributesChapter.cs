using GumbelGan.Evaluation.Report;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GumbelGan.Primer.Chapters;

/// <summary>
/// An image generator with categorical latents, trained without labels: it must learn the shapes, and for each image which shape it shows, which way
/// round and where.
/// </summary>
/// <remarks>N images of 8 x 8 pixels in four quarters; S shapes, O orientations, Q quarters; a shape fills a quarter of 16 pixels.</remarks>
internal static class AttributesChapter
{
    private const int Side = 4, QuarterPixels = Side * Side, Pixels = 4 * QuarterPixels, Hidden = 128, Repeats = 2, Steps = 2000, Every = 50;
    private const double LeastInk = 1e-3;
    private static readonly string[] _attributes = ["shape", "orientation", "position"];
    private static readonly int[] _values = [3, 4, 4];

    // An L, a T and a flag.
    private static readonly string[] _shapes = ["1000 1000 1110 0000", "1110 0100 0100 0000", "1110 1100 1000 0000"];

    public static Chapter Entry { get; } = new("attributes", "An image generator that finds the attributes", Measure);

    private static void Measure(Notebook notebook)
    {
        using DisposeScope everything = NewDisposeScope();
        Tensor truth = AllCodes(); // [N, 3], shape, orientation and quarter of each image, hidden from training
        Tensor shapes = stack([.. _shapes.Select(shape => tensor([.. shape.Where(ink => ink != ' ').Select(ink => ink - (float)'0')]))]); // [S, 16]
        Tensor images = Generate(shapes, OneHots(truth)); // [N, 64]
        var templates = new Parameter(Draw.Normal(notebook.Key.Derive("templates"), _values[0], QuarterPixels) * 0.5); // [S, 16], ink as logits
        var encoder = new Perceptron(notebook.Key.Derive("encoder"), Pixels, Hidden, _values.Sum());
        Curve wrong = Train(notebook.Key, images, encoder, templates);
        using IDisposable off = no_grad();
        Tensor found = Codes(encoder, images), learned = templates.sigmoid(); // [N, 3], [S, 16]
        notebook.Number("images", images.shape[0]);
        notebook.Number("pixels_wrong_before", wrong.First);
        notebook.Number("pixels_wrong", wrong.Last);
        notebook.Number("codes_used", found.data<long>().ToArray().Chunk(3).Select(code => string.Join(' ', code)).Distinct().Count());
        for (int i = 0; i < _attributes.Length; i++)
        {
            notebook.Number($"information_{_attributes[i]}", Information(found, truth, i));
        }

        notebook.Chart("pixels", new LineChart("Pixels of an image that come back wrong, mean of all images", "step", [wrong.Line]));
        notebook.Pictures("values", new PixelPictures("What each value of an attribute makes, the others held still", 2 * Side,
            [.. _attributes.Select((name, i) => (name, (IReadOnlyList<float[]>)Vary(learned, i)))]));
        notebook.Pictures("all", new PixelPictures("All images", 2 * Side,
            [("true", Rows(images)), ("generated from the codes that were found", Rows(Generate(learned, OneHots(found))))]));
    }

    private static Curve Train(RandomKey key, Tensor images, Perceptron encoder, Parameter templates)
    {
        var wrong = new Curve("pixels wrong");
        using optim.Optimizer optimizer = optim.Adam([.. encoder.Parameters, templates], lr: 0.003);
        for (int step = 0; step <= Steps; step++)
        {
            using DisposeScope scope = NewDisposeScope();
            if (step % Every == 0)
            {
                wrong.Add(step, Wrong(encoder, templates, images));
            }

            double temperature = Math.Max(0.5, 2 * Math.Exp(-step / 1000.0));
            Tensor seen = images.repeat(Repeats, 1); // [R N, 64]
            Tensor[] logits = Logits(encoder, seen);
            Tensor[] choices = [.. logits.Select((part, i) => GumbelSoftmax.Sample(
                part, GumbelSoftmax.Noise(key.Derive((ulong)step).Derive(_attributes[i]), part.shape[0], _values[i]), temperature))];
            Tensor ink = Generate(templates.sigmoid(), choices).clamp(LeastInk, 1 - LeastInk); // [R N, 64]
            Tensor mistakes = nn.functional.binary_cross_entropy(ink, seen, reduction: nn.Reduction.Sum) / seen.shape[0];
            Tensor loss = mistakes + logits.Select(Divergence).Aggregate((sum, part) => sum + part);
            optimizer.zero_grad();
            loss.backward();
            optimizer.step();
        }

        return wrong;
    }

    // Turns a shape and puts it into one quarter; turning and placing are given, not learned. One-hot choices give one image, soft ones a mixture.
    private static Tensor Generate(Tensor shapes, Tensor[] choices)
    {
        Tensor square = shapes.view(-1, Side, Side); // [S, 4, 4]
        Tensor turned = stack([.. Enumerable.Range(0, _values[1]).Select(turns => square.rot90(turns, (1, 2)))], 1); // [S, O, 4, 4]
        Tensor ways = choices[0].mm(turned.view(_values[0], -1)).view(-1, _values[1], QuarterPixels); // [N, O, 16]
        Tensor patch = (ways * choices[1].unsqueeze(2)).sum(1); // [N, 16]
        Tensor placed = choices[2].unsqueeze(2) * patch.unsqueeze(1); // [N, Q, 16]
        return placed.view(-1, 2, 2, Side, Side).permute(0, 1, 3, 2, 4).reshape(-1, Pixels); // [N, 64]
    }

    // KL divergence from a fair die in nats, the mean over images.
    private static Tensor Divergence(Tensor logits)
    {
        Tensor logarithms = logits.log_softmax(-1);
        return (logarithms.exp() * (logarithms + Math.Log(logits.shape[1]))).sum(-1).mean();
    }

    // [N, S], [N, O], [N, Q]
    private static Tensor[] Logits(Perceptron encoder, Tensor images) => encoder.Forward(images).split([.. _values.Select(count => (long)count)], 1);

    private static Tensor Codes(Perceptron encoder, Tensor images) => stack([.. Logits(encoder, images).Select(part => part.argmax(1))], 1); // [N, 3]

    private static double Wrong(Perceptron encoder, Tensor templates, Tensor images)
    {
        using IDisposable off = no_grad();
        return (Generate(templates.sigmoid(), OneHots(Codes(encoder, images))).round() - images).abs().sum(1).mean().item<float>();
    }

    // The share of an attribute's entropy that its latent explains: mutual information over entropy, from 0 to 1. A template may be learned in any
    // orientation, so that of the orientation is taken among the images of each shape.
    private static double Information(Tensor found, Tensor truth, int attribute)
    {
        long[][] latents = [.. found.data<long>().ToArray().Chunk(3)], trues = [.. truth.data<long>().ToArray().Chunk(3)];
        (long Shape, long Found, long True)[] pairs = [.. latents.Zip(trues, (latent, real) => (real[0], latent[attribute], real[attribute]))];
        return attribute == 1 ? pairs.GroupBy(pair => pair.Shape).Average(group => Share([.. group])) : Share(pairs);

        static double Share((long Shape, long Found, long True)[] pairs) =>
            (Entropy(pairs.Select(pair => pair.Found)) + Entropy(pairs.Select(pair => pair.True))
                - Entropy(pairs.Select(pair => (pair.Found, pair.True)))) / Entropy(pairs.Select(pair => pair.True));
        static double Entropy<T>(IEnumerable<T> values)
            where T : notnull =>
            -values.CountBy(value => value).Sum(kind => (double)kind.Value / values.Count() * Math.Log((double)kind.Value / values.Count()));
    }

    private static Tensor AllCodes() => cartesian_prod([.. _values.Select(count => arange(count))]); // [N, 3]

    private static Tensor[] OneHots(Tensor codes) => [.. codes.unbind(1).Select((column, i) => GumbelSoftmax.OneHot(column, _values[i]))];

    private static float[][] Vary(Tensor shapes, int attribute)
    {
        Tensor codes = zeros([_values[attribute], 3], ScalarType.Int64);
        codes.select(1, attribute).copy_(arange(_values[attribute]));
        return Rows(Generate(shapes, OneHots(codes)));
    }

    private static float[][] Rows(Tensor images) => [.. images.contiguous().data<float>().ToArray().Chunk(Pixels)];
}
