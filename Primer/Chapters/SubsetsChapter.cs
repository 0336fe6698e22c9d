using GumbelGan.Evaluation.Report;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GumbelGan.Primer.Chapters;

/// <summary>Which three of twelve films to put on the front page: a choice of k of n is trained, and compared with all 220 choices.</summary>
/// <remarks>N draws, n films, G groups of viewers.</remarks>
internal static class SubsetsChapter
{
    private const int Films = 12, Chosen = 3, Throws = 64, Steps = 600, Every = 10, Counted = 200_000;
    private const float Otherwise = 0.05f;
    private const double Temperature = 0.5;

    // The share of each group of viewers; which films a group likes and with what probability, and the probability that it likes any other.
    private static readonly float[] _groups = [0.46f, 0.3f, 0.24f];
    private static readonly (int Group, string Films, float[] Likes)[] _tastes =
    [
        (0, "ABCD", [0.9f, 0.85f, 0.8f, 0.7f]), (1, "DEFG", [0.2f, 0.7f, 0.8f, 0.3f]), (2, "GHIJ", [0.4f, 0.75f, 0.6f, 0.5f]),
    ];

    public static Chapter Entry { get; } = new("subsets", "Choosing k of n", Measure);

    private static void Measure(Notebook notebook)
    {
        using DisposeScope everything = NewDisposeScope();
        CountInclusions(notebook);
        Tensor likes = Likes(), sets = AllSets(); // [G, n], [220, n]
        float[] worths = Worth(sets, likes).data<float>().ToArray();
        Tensor best = sets[Array.IndexOf(worths, worths.Max())]; // [n]
        Tensor popular = RelaxedSubset.Largest(likes.t().mv(tensor(_groups)), Chosen); // [n]
        Tensor soft = Train(notebook.Key, likes, RelaxedSubset.Capped, "soft", out Curve softDrawn);
        Tensor hard = Train(notebook.Key, likes, RelaxedSubset.StraightThrough, "straight-through", out Curve hardDrawn);
        Tensor uncapped = Train(notebook.Key, likes, RelaxedSubset.Sample, "soft, not capped", out Curve uncappedDrawn);
        notebook.Number("drawn_soft", softDrawn.Last);
        notebook.Number("drawn_straight_through", hardDrawn.Last);
        notebook.Number("drawn_uncapped", uncappedDrawn.Last);
        notebook.Number("sets", worths.Length);
        notebook.Number("worth_mean", worths.Average());
        string[] Compare(string name, string heading, Tensor set)
        {
            float worth = Worth(set.unsqueeze(0), likes).item<float>();
            int place = 1 + worths.Count(other => other > worth + 1e-6f);
            notebook.Number($"worth_{name}", worth);
            notebook.Number($"place_{name}", place);
            return [heading, Names(set), $"{worth * 100:0.0}%", $"{place}"];
        }

        notebook.Table(
            "choices",
            ["choice", "films", "pleased viewers", "place among 220"],
            Compare("popular", "the three most popular", popular),
            Compare("soft", "learned, soft", soft),
            Compare("straight_through", "learned, straight-through", hard),
            Compare("uncapped", "learned, soft, not capped", uncapped),
            Compare("best", "the best of all", best));
        notebook.Chart("learning", new LineChart("Share of the viewers that a drawn front page pleases", "step",
        [
            softDrawn.Line, hardDrawn.Line, uncappedDrawn.Line,
            softDrawn.Level("the best of all", worths.Max()),
            softDrawn.Level("the three most popular", Worth(popular.unsqueeze(0), likes).item<float>()),
        ]));
    }

    // Maximises the mean worth of relaxed sets, and records the mean worth of whole sets drawn with the same noise.
    private static Tensor Train(
        RandomKey key, Tensor likes, Func<Tensor, Tensor, int, double, Tensor> relaxation, string name, out Curve drawn)
    {
        drawn = new Curve(name);
        var logits = new Parameter(zeros(Films)); // [n]
        using optim.Optimizer optimizer = optim.Adam([logits], lr: 0.05);
        for (int step = 0; step <= Steps; step++)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor noise = GumbelSoftmax.Noise(key.Derive((ulong)step), Throws, Films); // [N, n]
            Tensor loss = -Worth(relaxation(logits, noise, Chosen, Temperature), likes).mean();
            if (step % Every == 0)
            {
                drawn.Add(step, Worth(RelaxedSubset.Largest(logits.detach() + noise, Chosen), likes).mean().item<float>());
            }

            optimizer.zero_grad();
            loss.backward();
            optimizer.step();
        }

        return RelaxedSubset.Largest(logits.detach(), Chosen); // [n]
    }

    // A viewer is pleased who likes at least one of the chosen: 1 - product of (1 - y_i p_i). The mean over viewers, [N].
    private static Tensor Worth(Tensor sets, Tensor likes) =>
        (1 - (1 - sets.unsqueeze(1) * likes).prod(-1)).mv(tensor(_groups)); // [N, 1, n] * [G, n] -> [N, G, n] -> [N, G] -> [N]

    private static Tensor Likes()
    {
        Tensor likes = full([_groups.Length, Films], Otherwise); // [G, n]
        foreach ((int group, string films, float[] probabilities) in _tastes)
        {
            likes[group].narrow(0, films[0] - 'A', films.Length).copy_(tensor(probabilities));
        }

        return likes;
    }

    private static Tensor AllSets() => stack([.. Enumerable.Range(0, 1 << Films).Where(bits => int.PopCount(bits) == Chosen)
        .Select(bits => tensor([.. Enumerable.Range(0, Films).Select(film => (float)(bits >> film & 1))]))]); // [220, n]

    // How often each of four things is among the two largest of logits + noise, and the probability that it is drawn first, or second
    // from the other three.
    private static void CountInclusions(Notebook notebook)
    {
        float[] p = [0.5f, 0.3f, 0.15f, 0.05f];
        Tensor noise = GumbelSoftmax.Noise(notebook.Key.Derive("inclusions"), Counted, p.Length); // [N, 4]
        float[] counted = RelaxedSubset.Largest(tensor(p).log() + noise, 2).mean([0]).data<float>().ToArray();
        float[] exact = [.. p.Select((own, thing) => own + p.Where((_, other) => other != thing).Sum(first => first * own / (1 - first)))];
        notebook.Table(
            "inclusions",
            ["two of four", "1", "2", "3", "4"],
            Numbers.Row("probability of a single draw", "0.000", p),
            Numbers.Row("among the two, exact", "0.000", exact),
            Numbers.Row("among the two, counted", "0.000", counted));
        notebook.Number("inclusion_error", exact.Zip(counted, (left, right) => Math.Abs(left - right)).Max());
    }

    private static string Names(Tensor set) =>
        string.Join(", ", set.data<float>().ToArray().Index().Where(film => film.Item > 0.5f).Select(film => (char)('A' + film.Index)));
}
